import Tensors

/// What was found at one element of a tensor, or along one direction.
public struct ElementCheck: Hashable, Sendable, Encodable {
  /// What kind of place it is.
  public enum Place: String, Hashable, Sendable, Encodable {
    /// The function is smooth around it.
    case smooth
    /// The function bends within the greatest steps: smaller ones were used, and were smooth.
    case nearKink
    /// Left and right derivative differ: each number between them is a right answer.
    case kink
    /// The gradient and the quotient are both 0 but for rounding.
    case zero
    /// The difference quotient's error bar is too wide to tell.
    case undecided
  }

  /// The row-major position in the tensor; `nil` for a direction.
  public let position: Int?
  /// The index in the tensor, (n, c, y, x) for an image; empty for a direction.
  public let index: [Int]
  /// The element, 0 for a direction.
  public let value: Double
  /// The gradient that is checked.
  public let analytic: Double
  /// The extrapolated centred difference quotient.
  public let numeric: Double
  /// How far `analytic` may be from `numeric`, or from the interval at a kink.
  public let bar: Double
  /// The extrapolated quotients of both sides, once there are enough steps for one.
  public let left, right: Estimate?
  /// What the gradient may be at a kink: the sum of the intervals between both sides' quotients of
  /// each output. Where outputs bend in opposite ways, it is wider than from `left` to `right`.
  public let interval: ClosedRange<Double>?
  /// What kind of place it is.
  public let place: Place
  /// The quotients, by decreasing step.
  public let rows: [StepRow]
  /// The exact derivative by dual numbers, where it was computed.
  public internal(set) var exact: Double?

  /// How far `analytic` is from `numeric`; at a kink, from the interval of both sides' quotients.
  public var difference: Double {
    if place == .kink, let interval {
      if analytic.isNaN { return .nan }
      return max(interval.lowerBound - analytic, analytic - interval.upperBound, 0)
    }
    return abs(analytic - numeric)
  }

  /// Difference over bar: at most 1 for a gradient that is right; infinite when it is no number.
  public var errorOverBar: Double {
    let ratio = difference == 0 ? 0 : difference / bar
    return ratio.isNaN ? .infinity : ratio
  }

  /// Whether the gradient lies within the bar.
  public var passed: Bool { errorOverBar <= 1 }

  /// Whether it failed, or couldn't be decided.
  var isDoubtful: Bool { !passed || place == .undecided }

  /// |a − n| / max(|a|, |n|, 1e-3·scale), where `scale` is the largest gradient in the tensor.
  public func relativeError(scale: Double) -> Double {
    if difference == 0 { return 0 }
    let ratio = difference / max(abs(analytic), abs(numeric), 1e-3 * scale)
    return ratio.isNaN ? .infinity : ratio
  }
}
