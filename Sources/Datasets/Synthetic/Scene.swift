import Tensors

/// Everything about a picture but its pixels.
struct Scene {
  var palette: Palette
  var motif: Motif
  var clutter: Clutter
  var light: Light
  /// The greatest noise, of the range 0 to 1.
  var grain: Float

  init(_ kind: SyntheticClass, using random: inout SplitMix64) {
    palette = Palette(using: &random)
    motif = Motif(kind, using: &random)
    clutter = Clutter(using: &random)
    light = Light(using: &random)
    grain = random.real(0.01...0.12)
  }

  func draw(on canvas: inout Canvas) {
    canvas.fill(palette.ground)
    motif.draw(palette.figures, on: &canvas)
    clutter.draw(on: &canvas)
  }
}

/// What belongs to no class: large soft blobs of colour and short strokes.
struct Clutter {
  struct Item {
    var ink: Ink
    var opacity: Float
    var x: Float
    var y: Float
    var direction: Direction
    var length: Float
    var width: Float
  }

  var blobs: [Item] = []
  var strokes: [Item] = []

  init(using random: inout SplitMix64) {
    for _ in 0..<random.integer(0...3) {
      blobs.append(
        Self.item(opacity: 0.2...0.5, length: 0.2...0.4, width: 0.12...0.3, using: &random))
    }
    for _ in 0..<random.integer(1...4) {
      strokes.append(
        Self.item(opacity: 0.5...0.9, length: 0.04...0.16, width: 0.006...0.016, using: &random))
    }
  }

  private static func item(
    opacity: ClosedRange<Float>, length: ClosedRange<Float>, width: ClosedRange<Float>,
    using random: inout SplitMix64
  ) -> Item {
    let (hue, luminance) = (random.real(0...1), random.real(0.1...0.9))
    return Item(
      ink: Ink(hue: hue, luminance: luminance, using: &random), opacity: random.real(opacity),
      x: random.real(0...1), y: random.real(0...1), direction: Direction(turns: random.real(0...1)),
      length: random.real(length), width: random.real(width))
  }

  func draw(on canvas: inout Canvas) {
    for blob in blobs {
      let reach = max(blob.length, blob.width)
      canvas.paint(blob.ink, opacity: blob.opacity, box: box(blob, reach)) { x, y in
        let u = blob.direction.along(x - blob.x, y - blob.y) / blob.length
        let v = blob.direction.across(x - blob.x, y - blob.y) / blob.width
        let inside = max(1 - u * u - v * v, 0)
        return inside * inside
      }
    }
    let pixel = canvas.pixel
    for stroke in strokes {
      let reach = stroke.length + stroke.width + pixel
      canvas.paint(stroke.ink, opacity: stroke.opacity, box: box(stroke, reach)) { x, y in
        let along = stroke.direction.along(x - stroke.x, y - stroke.y)
        let beyond = max(abs(along) - stroke.length, 0)
        let across = stroke.direction.across(x - stroke.x, y - stroke.y)
        let distance = (beyond * beyond + across * across).squareRoot()
        return Canvas.edge(stroke.width - distance, softness: pixel)
      }
    }
  }

  private func box(_ item: Item, _ reach: Float) -> (ClosedRange<Float>, ClosedRange<Float>) {
    (item.x - reach...item.x + reach, item.y - reach...item.y + reach)
  }
}

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

/// What a picture shows, with its random measures.
enum Motif {
  case stripes(Stripes)
  case crossed(Stripes, Stripes)
  case checkers(Stripes, across: Stripes)
  case rings(Centred)
  case rays(Centred)
  case dots(Dots)
  case figures([Figure])

  init(_ kind: SyntheticClass, using random: inout SplitMix64) {
    switch kind {
    case .uprightStripes:
      self = .stripes(Stripes(turns: random.real(-0.028...0.028), using: &random))
    case .levelStripes:
      self = .stripes(Stripes(turns: 0.25 + random.real(-0.028...0.028), using: &random))
    case .slantedStripes:
      let turns = random.real(0.1...0.15)
      self = .stripes(Stripes(turns: random.chance(0.5) ? turns : -turns, using: &random))
    case .crossedStripes:
      let turns = random.real(0...1)
      var pair = [turns, turns + 0.25].map { Stripes(turns: $0, using: &random) }
      for i in pair.indices {
        pair[i].share = random.real(0.22...0.38)
        pair[i].frequency = 3 + 0.35 * (pair[i].frequency - 4)
        pair[i].softness *= 0.4
      }
      self = .crossed(pair[0], pair[1])
    case .checkers:
      var stripes = Stripes(turns: random.real(0...1), using: &random)
      stripes.frequency = 1.8 + 0.25 * (stripes.frequency - 4)
      stripes.share = 0.5
      stripes.softness *= 0.3
      var across = stripes
      across.direction = Direction(turns: stripes.turns + 0.25)
      across.phase = random.real(0...1)
      across.frequency *= random.real(0.85...1.18)
      self = .checkers(stripes, across: across)
    case .rings: self = .rings(Centred(count: random.real(4...10), using: &random))
    case .rays: self = .rays(Centred(count: Float(random.integer(6...13)), using: &random))
    case .dots: self = .dots(Dots(using: &random))
    case .triangles: self = .figures(Figure.scattered(.triangle, using: &random))
    case .stars: self = .figures(Figure.scattered(.star, using: &random))
    }
  }

  func draw(_ inks: [Ink], on canvas: inout Canvas) {
    let pixel = canvas.pixel
    switch self {
    case .stripes(let stripes):
      canvas.paint(inks[0]) { x, y in stripes.coverage(x, y, pixel) }
    case .crossed(let first, let second):
      canvas.paint(inks[0], opacity: 0.8) { x, y in first.coverage(x, y, pixel) }
      canvas.paint(inks[1], opacity: 0.8) { x, y in second.coverage(x, y, pixel) }
    case .checkers(let first, let second):
      canvas.paint(inks[0]) { x, y in
        let (a, b) = (first.coverage(x, y, pixel), second.coverage(x, y, pixel))
        return a + b - 2 * a * b  // one of the two, not both
      }
    case .rings(let rings):
      canvas.paint(inks[0]) { x, y in rings.ring(x, y, pixel) }
    case .rays(let rays):
      canvas.paint(inks[0]) { x, y in rays.ray(x, y, pixel) }
    case .dots(let dots):
      canvas.paint(inks[0]) { x, y in dots.coverage(x, y, pixel) }
    case .figures(let figures):
      for figure in figures { figure.draw(inks, on: &canvas) }
    }
  }
}

/// Parallel bands that sway a little.
struct Stripes {
  /// Where the stripes follow each other: 0 for upright ones.
  var turns: Float
  var direction: Direction
  /// Bands in the length of a side.
  var frequency: Float
  var phase: Float
  /// How much of the ground the bands cover.
  var share: Float
  /// The width of a band's edge, of the distance from band to band.
  var softness: Float
  var sway: Float
  var swayFrequency: Float
  var swayPhase: Float

  init(turns: Float, using random: inout SplitMix64) {
    self.turns = turns
    direction = Direction(turns: turns)
    frequency = random.real(4...11)
    phase = random.real(0...1)
    share = random.real(0.38...0.62)
    softness = random.real(0...0.4)
    sway = random.real(0...0.016)
    swayFrequency = random.real(0.6...1.3)
    swayPhase = random.real(0...1)
  }

  @inline(__always)
  func coverage(_ x: Float, _ y: Float, _ pixel: Float) -> Float {
    let swaying = sway * wave(direction.across(x, y) * swayFrequency + swayPhase)
    let position = (direction.along(x, y) + swaying) * frequency + phase
    return Canvas.edge(
      band(position, share: share), softness: max(softness, pixel * frequency))
  }
}

/// Rings around a point, or rays from it.
struct Centred {
  var x: Float
  var y: Float
  /// Rings in the length of a side, or rays in a turn.
  var count: Float
  var phase: Float
  var share: Float
  var softness: Float
  var axis: Direction
  /// How much wider than high it is, along the axis.
  var stretch: Float
  /// Turns by which a ray bends in the length of a side.
  var twist: Float

  init(count: Float, using random: inout SplitMix64) {
    self.count = count
    x = random.real(0.25...0.75)
    y = random.real(0.25...0.75)
    phase = random.real(0...1)
    share = random.real(0.38...0.62)
    softness = random.real(0...0.4)
    axis = Direction(turns: random.real(0...1))
    stretch = random.real(1...1.35)
    twist = random.real(-0.09...0.09)
  }

  @inline(__always)
  func ring(_ px: Float, _ py: Float, _ pixel: Float) -> Float {
    let u = axis.along(px - x, py - y) / stretch
    let v = axis.across(px - x, py - y)
    let radius = (u * u + v * v).squareRoot()
    return Canvas.edge(
      band(radius * count + phase, share: share), softness: max(softness, pixel * count))
  }

  @inline(__always)
  func ray(_ px: Float, _ py: Float, _ pixel: Float) -> Float {
    let (dx, dy) = (px - x, py - y)
    let radius = (dx * dx + dy * dy).squareRoot()
    let position = (angle(dx, dy) + twist * radius) * count + phase
    // A pixel is count·pixel/(2π·radius) of the distance from ray to ray.
    let narrow = count * pixel / (6.2831855 * radius + pixel)
    return Canvas.edge(band(position, share: share), softness: max(softness, narrow))
  }
}

/// Discs in rows.
struct Dots {
  var direction: Direction
  /// Discs in the length of a side.
  var frequency: Float
  var phaseX: Float
  var phaseY: Float
  /// The radius, of the distance from disc to disc.
  var radius: Float
  var softness: Float
  /// How far every other row is shifted.
  var shift: Float

  init(using random: inout SplitMix64) {
    direction = Direction(turns: random.real(0...1))
    frequency = random.real(2.6...4.6)
    phaseX = random.real(0...1)
    phaseY = random.real(0...1)
    radius = random.real(0.26...0.4)
    softness = random.real(0...0.18)
    shift = random.chance(0.5) ? 0.5 : 0
  }

  @inline(__always)
  func coverage(_ x: Float, _ y: Float, _ pixel: Float) -> Float {
    let v = direction.across(x, y) * frequency + phaseY
    let row = v.rounded(.down)
    let isOdd = (row * 0.5).rounded(.down) * 2 != row
    let u = direction.along(x, y) * frequency + phaseX + (isOdd ? shift : 0)
    let (du, dv) = (u - u.rounded(.down) - 0.5, v - row - 0.5)
    let distance = (du * du + dv * dv).squareRoot()
    return Canvas.edge(radius - distance, softness: max(softness, pixel * frequency))
  }
}
