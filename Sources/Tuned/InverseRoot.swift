import Tensors

/// x^−¾ in vectors, for β = ¾.
///
/// Swift's square root sets `errno` for a negative number, as C's does: a branch and a call that
/// keep the compiler from making vectors of a loop. So r = x^−¼ is approximated by Newton's method,
/// in products and sums alone, and x^−¾ = r³.
///
/// Source of the first guess: the inverse square root of Quake III, for another exponent. A
/// floating-point number's bits, read as an integer, are nearly its logarithm.
enum InverseRoot<Scalar: TunedScalar> {
  /// The powers of `count` numbers that `areOrdinary`; the results are right but for 4 units in the
  /// last place.
  @inline(__always)
  static func minusThreeQuarters(_ x: Scalar) -> Scalar {
    var root = Scalar.guessOfMinusOneQuarter(x)
    // Newton's step for r⁻⁴ − x = 0: r ← r·(5 − x·r⁴)/4. A relative error e becomes 5/2·e²: from
    // 3.4 % by 3·10⁻³ and 2·10⁻⁵ to 10⁻⁹, enough for Float, and 3·10⁻¹⁸.
    root = improved(root, x)
    root = improved(root, x)
    root = improved(root, x)
    if Scalar.self == Double.self { root = improved(root, x) }
    return root * root * root
  }

  @inline(__always)
  private static func improved(_ root: Scalar, _ x: Scalar) -> Scalar {
    let square = root * root
    // x·r² first: r⁴ alone could overflow.
    return root * (Scalar(1.25) - Scalar(0.25) * (x * square * square))
  }

  /// Whether the `count` numbers at `x` are all positive, normal and finite: the guess is good for those only.
  @inline(__always)
  static func areOrdinary(_ x: UnsafePointer<Scalar>, _ count: Int) -> Bool {
    let whole = count / 16 * 16
    var least = SIMD16<Scalar>(repeating: .leastNormalMagnitude)
    // 0·x is 0, but NaN for infinities and NaN.
    var zeros = SIMD16<Scalar>(repeating: 0)
    for i in stride(from: 0, to: whole, by: 16) {
      let vector = x.vector(at: i)
      least.replace(with: vector, where: Scalar.isGreater(least, than: vector))
      zeros += vector * 0
    }
    var areOrdinary = least.min() >= .leastNormalMagnitude && zeros.sum() == 0
    for i in whole..<count {
      areOrdinary = areOrdinary && x[i] >= .leastNormalMagnitude && x[i] < .infinity
    }
    return areOrdinary
  }
}
