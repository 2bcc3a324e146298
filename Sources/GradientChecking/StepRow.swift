import RealModule

/// The difference quotients of one step: a row of the table of error against step.
public struct StepRow: Hashable, Sendable, Encodable {
  /// h, in the units of the element that moves.
  public let step: Double
  /// f(x − h), where f is the upstream gradient times the outputs.
  public let below: Double
  /// f(x + h).
  public let above: Double
  /// (f(x + h) − f(x − h)) / 2h
  public let centred: Double
  /// (f(x) − f(x − h)) / h
  public let left: Double
  /// (f(x + h) − f(x)) / h
  public let right: Double
  /// Σ of the lesser of both sides' quotients, output by output: see `ElementCheck.interval`.
  public let lower: Double
  /// Σ of the greater of both sides' quotients, output by output.
  public let upper: Double
  /// How far rounding may have moved `centred`.
  public let rounding: Double
  /// How far rounding may have moved the one-sided quotients.
  public let sidedRounding: Double
  /// Σ |upstream·(y(x + h) − y(x − h))| / 2h: what `centred` would be if nothing cancelled.
  public let magnitude: Double

  /// The quotients of outputs at x − h, x and x + h.
  ///
  /// Differences are taken output by output before they are summed. What doesn't change then
  /// drops out exactly, where the difference of two sums would keep the rounding of both.
  ///
  /// - Parameters:
  ///   - steps: the distances below and above that rounding has made of h.
  ///   - extraNoise: noise of f that is not the outputs' own.
  init(
    below: [Double], centre: [Double], above: [Double], upstream: [Double], noise: NoiseLevel,
    steps: (below: Double, above: Double), extraNoise: Double
  ) {
    var (fBelow, fAbove) = (0.0, 0.0)
    var (whole, magnitude) = (0.0, 0.0)
    var (left, right, lower, upper) = (0.0, 0.0, 0.0, 0.0)
    var variance = extraNoise * extraNoise
    for j in centre.indices {
      let v = upstream[j]
      fBelow += v * below[j]
      fAbove += v * above[j]
      let difference = v * (above[j] - below[j])
      whole += difference
      let leftPart = v * (centre[j] - below[j]) / steps.below
      let rightPart = v * (above[j] - centre[j]) / steps.above
      left += leftPart
      right += rightPart
      lower += min(leftPart, rightPart)
      upper += max(leftPart, rightPart)
      magnitude += abs(difference)
      let deviation = v * (difference == 0 ? noise.spacings[j] : noise.deviations[j])
      variance += deviation * deviation
    }
    let width = steps.above + steps.below
    step = width / 2
    self.below = fBelow
    self.above = fAbove
    centred = whole / width
    self.left = left
    self.right = right
    self.lower = lower
    self.upper = upper
    self.magnitude = magnitude / width
    // Two noisy values make a difference. Five deviations: a false alarm in two million.
    let noise = 5 * Double.sqrt(2 * variance)
    // The differences, the products and the division round as well.
    let arithmetic = 4 * 0x1p-52 * magnitude
    rounding = (noise + arithmetic) / width
    sidedRounding = (noise + arithmetic) / min(steps.above, steps.below)
  }

  /// As one of a sequence of centred quotients.
  var centredQuotient: Quotient { Quotient(step: step, value: centred, rounding: rounding) }

  /// One of the one-sided numbers as one of a sequence.
  func sided(_ value: KeyPath<StepRow, Double>) -> Quotient {
    Quotient(step: step, value: self[keyPath: value], rounding: sidedRounding)
  }
}

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
