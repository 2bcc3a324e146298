/// A colour of a screen.
struct Colour: Equatable, Sendable {
  var red: UInt8
  var green: UInt8
  var blue: UInt8

  /// How bright it looks, from 0 to 255: Rec. 601.
  var brightness: Int { (299 * Int(red) + 587 * Int(green) + 114 * Int(blue)) / 1000 }

  /// The nearest of xterm's 256 colours: a step of grey, or a point of the 6×6×6 cube.
  var paletteIndex: Int {
    if red == green && green == blue {
      return min(max((Int(red) - 3) / 10, 0), 23) + 232
    }
    // The cube's levels are 0, 95, 135, 175, 215 and 255.
    func step(_ level: UInt8) -> Int { level < 48 ? 0 : level < 115 ? 1 : (Int(level) - 35) / 40 }
    return 16 + 36 * step(red) + 6 * step(green) + step(blue)
  }
}

/// Colours for levels from 0 to 255. Both ramps rise or fall in brightness too, so that those who
/// see fewer colours can read them.
enum Ramp {
  /// From nothing to most: dark blue over grey to yellow.
  static let sequential = colours([(0, 32, 76), (90, 93, 110), (165, 151, 116), (255, 233, 69)])
  /// Below 0 blue, above it red, 0 white.
  static let diverging = colours([
    (33, 80, 160), (130, 175, 215), (247, 247, 247), (240, 150, 110), (165, 20, 40),
  ])

  /// 256 colours, evenly between the given ones.
  private static func colours(_ anchors: [(Int, Int, Int)]) -> [Colour] {
    (0..<256).map { level in
      let place = level * (anchors.count - 1)
      let (first, part) = (min(place / 255, anchors.count - 2), place % 255)
      let share = place == 255 * (anchors.count - 1) ? 255 : part
      let (a, b) = (anchors[first], anchors[first + 1])
      func mix(_ from: Int, _ to: Int) -> UInt8 { UInt8(from + (to - from) * share / 255) }
      return Colour(red: mix(a.0, b.0), green: mix(a.1, b.1), blue: mix(a.2, b.2))
    }
  }
}
