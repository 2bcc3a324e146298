import Tensors

/// A square that is painted on in floating point and developed to bytes at the end.
struct Canvas {
  let side: Int
  /// The width of a pixel in sides of the picture.
  let pixel: Float
  private var colours: [Colour]

  init(side: Int) {
    self.side = side
    pixel = 1 / Float(side)
    colours = [Colour](repeating: Colour(), count: side * side)
  }

  /// The whole picture in one ink.
  mutating func fill(_ ink: Ink) {
    paint(ink) { _, _ in 1 }
  }

  /// Lays an ink over every pixel.
  ///
  /// - Parameters:
  ///   - opacity: how much of the ink shows where it covers, 0 to 1.
  ///   - box: what is left out of the picture cannot be covered: lowest and highest x, then y.
  ///   - coverage: how far the pixel at (x, y) is covered; 0 to 1.
  @inline(__always)
  mutating func paint(
    _ ink: Ink, opacity: Float = 1,
    box: (x: ClosedRange<Float>, y: ClosedRange<Float>) = (0...1, 0...1),
    coverage: (_ x: Float, _ y: Float) -> Float
  ) {
    let columns = pixels(box.x)
    let rows = pixels(box.y)
    let (side, pixel) = (side, pixel)
    // `pixels` are in 0..<side, of side × side colours.
    colours.withUnsafeMutableBufferPointer { colours in
      for row in rows {
        let y = (Float(row) + 0.5) * pixel
        for column in columns {
          let x = (Float(column) + 0.5) * pixel
          let share = opacity * coverage(x, y)
          guard share > 0 else { continue }
          let place = row * side + column
          colours[place] += (ink.colour(x, y) - colours[place]) * share
        }
      }
    }
  }

  private func pixels(_ range: ClosedRange<Float>) -> Range<Int> {
    let first = min(max(range.lowerBound, 0), 1) * Float(side)
    let last = min(max(range.upperBound, 0), 1) * Float(side)
    return Int(first)..<min(Int(last) + 1, side)
  }

  /// Coverage at a distance inside an edge that is `softness` wide: ½ on the edge itself.
  @inline(__always)
  static func edge(_ distance: Float, softness: Float) -> Float {
    min(max(distance / softness + 0.5, 0), 1)
  }

  /// The picture in bytes, under a light and with grain.
  func developed(light: Light, grain: Float, using random: inout SplitMix64) -> Picture {
    let scale = grain / 1023
    let columns = (0..<side).map { light.position(Float($0), pixel) }
    // Each of the 3·side² bytes is set once.
    let bytes = [UInt8](unsafeUninitializedCapacity: 3 * side * side) { bytes, count in
      for row in 0..<side {
        let across = light.position(Float(row), pixel)
        for column in 0..<side {
          let bits = random.next()
          let brightness = light.brightness(columns[column], across)
          let place = row * side + column
          let colour = colours[place] * brightness
          for channel in 0..<3 {
            // The sum of two even draws of 10 bits each: a triangle around 0.
            let shift = UInt64(20 * channel)
            let sum = Int32(bits >> shift & 0x3FF) + Int32(bits >> (shift + 10) & 0x3FF)
            let value = colour[channel] + scale * Float(sum - 1023)
            let byte = UInt8(min(max(value, 0), 1) * 255 + 0.5)
            bytes.initializeElement(at: 3 * place + channel, to: byte)
          }
        }
      }
      count = 3 * side * side
    }
    return Picture(unchecked: bytes, height: side, width: side)
  }
}

/// Brightness that varies slowly: random on a coarse grid, smooth between.
struct Light {
  private static let cells = 4
  private let values: [Float]

  init(using random: inout SplitMix64) {
    let strength = random.real(0...0.22)
    values = (0..<(Self.cells + 1) * (Self.cells + 1)).map { _ in
      1 + strength * random.real(-1...1)
    }
  }

  /// The cell of a row or column, and the smoothed way through it.
  func position(_ index: Float, _ pixel: Float) -> (cell: Int, weight: Float) {
    let exact = (index + 0.5) * pixel * Float(Self.cells)
    let cell = min(Int(exact), Self.cells - 1)
    let t = exact - Float(cell)
    return (cell, t * t * (3 - 2 * t))
  }

  @inline(__always)
  func brightness(_ x: (cell: Int, weight: Float), _ y: (cell: Int, weight: Float)) -> Float {
    let start = y.cell * (Self.cells + 1) + x.cell
    let above = values[start] + (values[start + 1] - values[start]) * x.weight
    let next = start + Self.cells + 1
    let below = values[next] + (values[next + 1] - values[next]) * x.weight
    return above + (below - above) * y.weight
  }
}
