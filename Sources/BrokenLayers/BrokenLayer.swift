import GradientChecking
import Layers
import Tensors

/// A layer with one classic bug, to show that the gradient checks catch it and how they explain it.
///
/// The code of each is in this folder: the right layer of `Reference`, and a few wrong lines.
public struct BrokenLayer: Sendable {
  /// What the check has to find.
  public enum Verdict: Hashable, Sendable {
    /// The gradient of this tensor is wrong, and no other.
    case wrongGradient(tensor: String)
    /// This rule is broken, and the gradients' values are right.
    case brokenRule(ContractViolation.Rule)
  }

  /// For the command line, for example `conv-bias-last-image`.
  public let name: String
  /// Caffe's name of the layer's type.
  public let type: String
  /// What is wrong, in a sentence.
  public let bug: String
  /// The wrong line beside the right one.
  public let code: String
  /// What the check has to find.
  public let expected: Verdict

  private let run: @Sendable (CheckOptions, _ isBroken: Bool) throws -> GradientReport
  private let runCaffe: @Sendable (UInt64, _ isBroken: Bool) throws -> CaffeReport

  /// Checks the broken layer.
  ///
  /// - Throws: what `check` throws, which it doesn't for the members of the gallery.
  /// - Complexity: That of `check` on a small layer: some hundred forward passes.
  public func check(options: CheckOptions = CheckOptions()) throws -> GradientReport {
    try run(options, true)
  }

  /// Checks the layer without the bug at the same point.
  ///
  /// - Throws: as `check(options:)`.
  /// - Complexity: As `check(options:)`.
  public func checkRight(options: CheckOptions = CheckOptions()) throws -> GradientReport {
    try run(options, false)
  }

  /// Checks the broken layer as Caffe's tests would, in `Float`.
  ///
  /// - Throws: as `check(options:)`.
  /// - Complexity: Two forward passes for each element, and one backward pass for each output, of a
  ///   small layer.
  public func checkAsCaffe(seed: UInt64 = 1) throws -> CaffeReport {
    try runCaffe(seed, true)
  }

  /// Checks the layer without the bug as Caffe's tests would.
  ///
  /// - Throws: as `check(options:)`.
  /// - Complexity: As `checkAsCaffe(seed:)`.
  public func checkRightAsCaffe(seed: UInt64 = 1) throws -> CaffeReport {
    try runCaffe(seed, false)
  }
}

extension BrokenLayer {
  /// What an input is drawn from.
  enum Point {
    /// Normal numbers of deviation 1, as in Caffe's tests.
    case normal
    /// Integers from −2 to 2, so that kinks are met. Caffe's tests draw normal numbers here too.
    case integers
  }

  /// A member with its two precisions.
  ///
  /// - Parameters:
  ///   - double: the broken layer.
  ///   - float: the same for Caffe's check.
  init<D: BrokenBySpecification, F: BrokenBySpecification>(
    _ name: String, _ specification: D.Specification, _ input: Shape, at point: Point = .normal,
    bug: String, code: String, expected: Verdict, double: D.Type, float: F.Type
  )
  where
    D.Scalar == Double, F.Scalar == Float, D.Specification == F.Specification
  {
    self.init(
      name, input, at: point, bug: bug, code: code, expected: expected,
      double: D(specification), float: F(specification))
  }

  /// A loss with its two precisions.
  init(
    _ name: String, _ specification: SoftmaxWithLossSpecification, _ shape: Shape, labels: [Int],
    bug: String, code: String, kind: BrokenLoss<Double>.Bug, floatKind: BrokenLoss<Float>.Bug
  ) {
    // The scores of Caffe's test have a deviation of 10.
    self.init(
      name, shape, labels: labels, caffeDeviation: 10, bug: bug, code: code,
      expected: .wrongGradient(tensor: "scores"), double: BrokenLoss(specification, kind),
      float: BrokenLoss(specification, floatKind))
  }

  private init<D: Broken, F: Broken>(
    _ name: String, _ input: Shape, at point: Point = .normal, labels: [Int] = [],
    caffeDeviation: Double = 1, bug: String, code: String, expected: Verdict, double: D, float: F
  )
  where
    D.Scalar == Double, F.Scalar == Float, D.Specification == F.Specification
  {
    self.name = name
    self.bug = bug
    self.code = code
    self.expected = expected
    let type = D.Specification.typeName
    self.type = type
    run = { options, isBroken in
      var generator = SplitMix64(seed: options.seed)
      let data = draw(input, point, using: &generator)
      return isBroken
        ? try GradientChecking.check(
          double, input: input, labels: labels, at: data, name: name, version: "broken",
          options: options)
        : try GradientChecking.check(
          double.right, input: input, labels: labels, at: data, name: type, version: "right",
          options: options)
    }
    runCaffe = { seed, isBroken in
      var generator = SplitMix64(seed: seed)
      let data = Tensor<Double>.normal(input, deviation: caffeDeviation, using: &generator)
      let parameters = try float.specification.parameters(for: input).map {
        Tensor<Double>.normal($0.shape, using: &generator)
      }
      let tolerances = CaffeTolerances.caffe(for: type)
      return isBroken
        ? try caffeCheck(
          LayerFunction(float, inputs: [data], parameters: parameters, labels: labels),
          tolerances: tolerances)
        : try caffeCheck(
          LayerFunction(float.right, inputs: [data], parameters: parameters, labels: labels),
          tolerances: tolerances)
    }
  }
}

private func draw(
  _ shape: Shape, _ point: BrokenLayer.Point, using generator: inout SplitMix64
) -> Tensor<Double> {
  var tensor = Tensor<Double>.normal(shape, using: &generator)
  if point == .integers {
    for i in 0..<tensor.count { tensor[i] = Double(Int.random(in: -2...2, using: &generator)) }
  }
  return tensor
}
