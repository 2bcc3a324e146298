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

// Lengths are in sides of the picture, angles in turns. What would need the platform's sine or
// arctangent, whose last bit varies, is approximated to what the eye can see.

/// sin(2πt) within 0.0011: a parabola for each half of the wave, bent once more.
func wave(_ turns: Float) -> Float {
  let t = turns - turns.rounded(.toNearestOrEven)  // −0.5 … 0.5
  let parabola = 8 * t - 16 * t * abs(t)
  return 0.225 * (parabola * abs(parabola) - parabola) + parabola
}

/// The angle of (x, y) in turns, −0.5 … 0.5, within 0.0007.
func angle(_ x: Float, _ y: Float) -> Float {
  let (ax, ay) = (abs(x), abs(y))
  let large = max(ax, ay)
  guard large > 0 else { return 0 }
  let ratio = min(ax, ay) / large
  // arctan(r) ≈ r·(π/4 + 0.273·(1 − r)) for 0 ≤ r ≤ 1, divided by 2π.
  var turns = ratio * (0.125 + 0.04344929 * (1 - ratio))
  if ay > ax { turns = 0.25 - turns }
  if x < 0 { turns = 0.5 - turns }
  return y < 0 ? -turns : turns
}

/// A vector of length 1.
struct Direction {
  var x: Float
  var y: Float

  init(turns: Float) {
    let (cosine, sine) = (wave(turns + 0.25), wave(turns))
    let length = (cosine * cosine + sine * sine).squareRoot()
    x = cosine / length
    y = sine / length
  }

  /// How far (x, y) lies along this direction.
  func along(_ px: Float, _ py: Float) -> Float { px * x + py * y }
  /// How far (x, y) lies to the side of it.
  func across(_ px: Float, _ py: Float) -> Float { py * x - px * y }
}

/// How far a position lies inside the nearest band, of bands that repeat once a unit; negative
/// between them.
func band(_ position: Float, share: Float) -> Float {
  let fraction = position - position.rounded(.down)
  return 0.5 * share - abs(fraction - 0.5)
}

extension SplitMix64 {
  mutating func real(_ range: ClosedRange<Float>) -> Float {
    range.lowerBound + (range.upperBound - range.lowerBound) * Float(nextUniform())
  }

  // The standard library's random integers may be drawn differently in its next release.
  mutating func integer(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(nextUniform() * Double(range.count))
  }

  mutating func chance(_ probability: Float) -> Bool { real(0...1) < probability }
}

/// A colour: red, green and blue from 0 to 1; the fourth lane is unused.
typealias Colour = SIMD4<Float>

/// A colour that runs into another along a direction.
struct Ink {
  var start: Colour
  var change: Colour
  var direction: Direction
  var offset: Float

  /// A random ink of a luminance.
  ///
  /// - Parameter hue: in turns of the colour circle.
  init(hue: Float, luminance: Float, using random: inout SplitMix64) {
    start = Self.colour(
      hue: hue, saturation: random.real(0.35...0.95), luminance: luminance)
    let end = Self.colour(
      hue: hue + random.real(-0.09...0.09), saturation: random.real(0.35...0.95),
      luminance: min(max(luminance + random.real(-0.09...0.09), 0.03), 0.97))
    change = end - start
    direction = Direction(turns: random.real(0...1))
    // The middle of the picture gets the middle of the two colours.
    offset = 0.5 - direction.along(0.5, 0.5)
  }

  @inline(__always)
  func colour(_ x: Float, _ y: Float) -> Colour {
    start + change * min(max(direction.along(x, y) + offset, 0), 1)
  }

  /// The colour of a hue, first dimmed, then whitened until its luminance is right.
  private static func colour(hue: Float, saturation: Float, luminance: Float) -> Colour {
    var colour = Colour()
    for channel in 0..<3 {
      // Each channel rises and falls over two thirds of the circle, a third after the other.
      let turns = hue - Float(channel) / 3
      let distance = abs(turns - turns.rounded(.toNearestOrEven))
      let pure = min(max(2 - 6 * distance, 0), 1)
      colour[channel] = 1 - saturation + saturation * pure
    }
    let present = Self.luminance(colour)
    let gain = min(luminance / present, 1 / max(colour[0], colour[1], colour[2]))
    colour *= gain
    let white = (luminance - present * gain) / (1 - present * gain + 1e-6)
    return colour + (Colour(repeating: 1) - colour) * max(white, 0)
  }

  private static func luminance(_ colour: Colour) -> Float {
    0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
  }
}

/// The inks of a scene: one for the ground, and three of much other luminance for what lies on it.
struct Palette {
  var ground: Ink
  var figures: [Ink]

  init(using random: inout SplitMix64) {
    let dark = random.real(0.06...0.38)
    let light = min(dark + random.real(0.3...0.62), 0.95)
    let isNight = random.chance(0.5)
    let hue = random.real(0...1)
    ground = Ink(hue: hue, luminance: isNight ? dark : light, using: &random)
    let other = hue + random.real(0.15...0.85)
    figures = []
    for _ in 0..<3 {
      let nearby = other + random.real(-0.12...0.12)
      figures.append(Ink(hue: nearby, luminance: isNight ? light : dark, using: &random))
    }
  }
}
