import Tensors

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
