import Tensors

/// A triangle or a star somewhere in the picture.
struct Figure {
  enum Kind {
    case triangle, star
  }

  var kind: Kind
  var x: Float
  var y: Float
  /// From the middle to a tip.
  var radius: Float
  /// The normals of the lines that bound the figure.
  var normals: [Direction]
  /// Which ink it takes.
  var ink: Int

  /// One figure to a cell of a grid, somewhere in it; some cells stay empty.
  static func scattered(_ kind: Kind, using random: inout SplitMix64) -> [Figure] {
    let cells = random.integer(2...4)
    let cell = 1 / Float(cells)
    let sides = kind == .star ? 5 : 3
    var figures: [Figure] = []
    for row in 0..<cells {
      for column in 0..<cells {
        let radius = cell * random.real(0.42...0.56)
        let turns = random.real(0...1)
        let (x, y) = (random.real(0.36...0.64), random.real(0.36...0.64))
        let ink = random.integer(0...2)
        // One cell of the first row is kept in any case.
        if random.chance(0.15) && !(row == 0 && column == 0) { continue }
        figures.append(
          Figure(
            kind: kind, x: (Float(column) + x) * cell, y: (Float(row) + y) * cell, radius: radius,
            normals: (0..<sides).map { Direction(turns: turns + Float($0) / Float(sides)) },
            ink: ink))
      }
    }
    return figures
  }

  func draw(_ inks: [Ink], on canvas: inout Canvas) {
    let reach = radius + canvas.pixel
    let box = (x - reach...x + reach, y - reach...y + reach)
    let pixel = canvas.pixel
    // A line lies cos(60°) or cos(72°) of the radius from the middle.
    let inset = radius * (kind == .star ? 0.309017 : 0.5)
    canvas.paint(inks[ink % inks.count], box: box) { px, py in
      // Inside a triangle: behind all three lines. Inside a five-pointed star: behind all of its
      // five lines but one.
      var (nearest, second) = (Float.infinity, Float.infinity)
      for normal in normals {
        let inside = inset - normal.along(px - x, py - y)
        if inside < nearest {
          (nearest, second) = (inside, nearest)
        } else if inside < second {
          second = inside
        }
      }
      return Canvas.edge(kind == .star ? second : nearest, softness: pixel)
    }
  }
}
