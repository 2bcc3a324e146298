import Tensors

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
