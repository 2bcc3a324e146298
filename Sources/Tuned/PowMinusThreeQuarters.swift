/// x^−¾ for a positive, normal and finite x, right but for 4 units in the last place.
///
/// Swift's square root sets `errno` for a negative number, as C's does: a branch and a call that keep
/// the compiler from making vectors of a loop. So r = x^−¼ is approximated by Newton's method, in
/// products and sums alone, and x^−¾ = r³.
@inline(__always)
func powMinusThreeQuarters(_ x: Float) -> Float {
  var root = initialEstimate(x)
  // Newton's step for r⁻⁴ − x = 0: r ← r·(5 − x·r⁴)/4. A relative error e becomes 5/2·e²: from 3.4 %
  // by 3·10⁻³ and 2·10⁻⁵ to 10⁻⁹.
  for _ in 0..<3 {
    let square = root * root
    // x·r² first: r⁴ alone could overflow.
    root *= 1.25 - 0.25 * (x * square * square)
  }
  return root * root * root
}

/// A number within 4 % of x^−¼. A floating-point number's bits, read as an integer, are nearly its
/// logarithm: they are halved twice. The constant is 5/4 of that of 1, less a little that spreads the
/// error evenly.
///
/// Source: the inverse square root of Quake III, for another exponent.
@inline(__always)
private func initialEstimate(_ x: Float) -> Float {
  Float(bitPattern: 0x4F58_CAE4 &- x.bitPattern >> 2)
}

/// Whether the `count` numbers at `x` are all positive, normal and finite: the estimate is good for
/// those only.
@inline(__always)
func areOrdinary(_ x: UnsafePointer<Float>, _ count: Int) -> Bool {
  let whole = count / 16 * 16
  var least = Vector(repeating: .leastNormalMagnitude)
  // 0·x is 0, but NaN for infinities and NaN.
  var zeros = Vector(repeating: 0)
  for i in stride(from: 0, to: whole, by: 16) {
    let vector = x.vector(at: i)
    least.replace(with: vector, where: vector .< least)
    zeros += vector * 0
  }
  var areOrdinary = least.min() >= .leastNormalMagnitude && zeros.sum() == 0
  for i in whole..<count {
    areOrdinary = areOrdinary && x[i] >= .leastNormalMagnitude && x[i] < .infinity
  }
  return areOrdinary
}
