import Tensors

/// What a check of one layer, loss, network or function has found.
public struct GradientReport: Sendable, Encodable {
  /// Whether every tensor passed and every rule was kept.
  ///
  /// - Complexity: O(tensors).
  public var passed: Bool { tensors.allSatisfy(\.passed) && violations.isEmpty }
  /// What was found for each input and parameter.
  public var tensors: [TensorReport]
  /// The rules of the contract of layers that were broken, apart from the gradient's values.
  public var violations: [ContractViolation]

  /// A report of its parts.
  public init(tensors: [TensorReport] = [], violations: [ContractViolation] = []) {
    self.tensors = tensors
    self.violations = violations
  }

  /// This report and another one as one.
  ///
  /// - Complexity: O(tensors + violations).
  public func merging(_ other: GradientReport) -> GradientReport {
    GradientReport(
      tensors: tensors + other.tensors, violations: violations + other.violations)
  }

  private enum CodingKeys: String, CodingKey {
    case passed, tensors, violations
  }

  /// An object with `passed`, `tensors` and `violations`.
  ///
  /// - Complexity: O(size) of what is written.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(passed, forKey: .passed)
    try container.encode(tensors, forKey: .tensors)
    try container.encode(violations, forKey: .violations)
  }
}

/// What a check has found for one tensor.
public struct TensorReport: Sendable, Encodable {
  /// The layer's name, or its type where it has no name.
  public var layer: String
  /// `reference`, `fast`, or the module of a layer from elsewhere.
  public var version: String
  /// The tensor by which was differentiated: `input`, `weights`, `bias`.
  public var tensor: String
  /// Its extents.
  public var shape: [Int]
  /// How many elements were compared with difference quotients.
  public var checked: Int
  /// Along how many directions the tensor was moved as a whole.
  public var directions: Int
  /// The greatest |a − n| / max(|a|, |n|, 1e-3·largest gradient) of the elements off kinks whose
  /// gradient isn't 0 but for rounding.
  public var worstRelativeError: Double
  /// The greatest difference in units of its own error bar, directions included.
  public var worstErrorOverBar: Double
  /// The greatest difference to the exact derivative by dual numbers, relative as above; `nil`
  /// when there was nothing to compare with.
  public var dualRelativeError: Double?
  /// How many elements lie at a kink: left and right derivative differ.
  public var kinks: Int
  /// How many elements had a kink within the first steps, and were checked with smaller ones.
  public var nearKinks: Int
  /// How many elements have a gradient that is 0 but for rounding, as a bias before a normalisation
  /// has. They have no relative error.
  public var zeros: Int
  /// How many difference quotients were too inaccurate to tell anything.
  public var undecided: Int
  /// The element or direction with the greatest difference over bar.
  public var worst: ElementCheck?
  /// Those that failed, worst first, at most ten.
  public var failures: [ElementCheck]
  /// How many elements failed.
  public var failed: Int
  /// How many directions failed.
  public var failedDirections: Int
  /// What may be wrong, judged from the whole tensor.
  public var causes: [String]
  /// Whether all elements and directions passed, and most of them could be decided.
  public var passed: Bool

  private enum CodingKeys: String, CodingKey {
    case layer, version, tensor, checked, worstRelativeError, worstErrorOverBar
    case dualRelativeError, kinks, passed
    case shape, directions, nearKinks, zeros, undecided, failed, failedDirections, causes
  }

  /// An object with the fields of `walkthrough check --json`; a number that is not finite is null.
  ///
  /// - Complexity: O(1): the ten failures at most are not written.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(layer, forKey: .layer)
    try container.encode(version, forKey: .version)
    try container.encode(tensor, forKey: .tensor)
    try container.encode(checked, forKey: .checked)
    try container.encode(finite(worstRelativeError), forKey: .worstRelativeError)
    try container.encode(finite(worstErrorOverBar), forKey: .worstErrorOverBar)
    try container.encode(dualRelativeError.flatMap(finite), forKey: .dualRelativeError)
    try container.encode(kinks, forKey: .kinks)
    try container.encode(passed, forKey: .passed)
    try container.encode(shape, forKey: .shape)
    try container.encode(directions, forKey: .directions)
    try container.encode(nearKinks, forKey: .nearKinks)
    try container.encode(zeros, forKey: .zeros)
    try container.encode(undecided, forKey: .undecided)
    try container.encode(failed, forKey: .failed)
    try container.encode(failedDirections, forKey: .failedDirections)
    try container.encode(causes, forKey: .causes)
  }

  private func finite(_ number: Double) -> Double? { number.isFinite ? number : nil }
}

/// A rule of the contract of layers that a layer breaks.
public struct ContractViolation: Hashable, Sendable, Encodable {
  /// The rules that are tried, beside the gradient's values.
  public enum Rule: String, Hashable, Sendable, CaseIterable, Encodable {
    /// The output depends on input, parameters, phase and seed, and on nothing else.
    case isFunctionOfInputAndSeed
    /// Two backward passes from the same state give the same bits.
    case backwardIsDeterministic
    /// The forward pass doesn't depend on what the output's memory held.
    case overwritesOutput
    /// Without `accumulating`, gradients don't depend on what their memory held.
    case overwritesGradients
    /// With `accumulating`, parameter gradients are added to what their memory held.
    case accumulatesWhenAsked
    /// Parameter gradients are the same when nobody needs the input's gradient.
    case workWithoutInputGradient
    /// Gradients grow as the output's gradient does. Tried where the output is a single number, as
    /// that of a loss.
    case isProportionalToOutputGradient
    /// In place, output and gradient are the same as out of place.
    case inPlaceMatches
  }

  /// The rule that is broken.
  public var rule: Rule
  /// What was seen.
  public var detail: String

  /// A violation of a rule.
  public init(_ rule: Rule, detail: String) {
    self.rule = rule
    self.detail = detail
  }
}
