/// Learns with which step a function is best differentiated, from line to line of one variable.
///
/// The rungs are steps that shrink by 8. The greatest step on which most claims agreed to within
/// rounding is the one to try first: a greater one meets kinks and curvature, a smaller one loses
/// digits to rounding.
struct StepLadder {
  /// The number of rungs: 8⁻⁷ is 5·10⁻⁷.
  static let rungs = 8

  private var tries = [Int](repeating: 0, count: rungs)
  private var hits = [Int](repeating: 0, count: rungs)

  /// The rung to begin with.
  var start: Int {
    tries.indices.first { Double(hits[$0] + 1) / Double(tries[$0] + 1) >= 0.7 } ?? Self.rungs - 1
  }

  /// The rungs to try, greatest step first.
  var order: Range<Int> { start..<Self.rungs }

  /// How much smaller than the first step a rung's step is.
  func factor(_ rung: Int) -> Double { Double(sign: .plus, exponent: -3 * rung, significand: 1) }

  /// Takes note of whether a rung was any good.
  mutating func note(_ rung: Int, isHit: Bool) {
    tries[rung] += 1
    if isHit { hits[rung] += 1 }
  }
}
