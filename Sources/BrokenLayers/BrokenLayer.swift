import GradientChecking
import Layers
import Tensors

/// A layer with one classic bug, to show that the gradient checks catch it and how they explain it.
///
/// Each is an entry of the gallery: the right layer of `Reference`, and a few wrong lines.
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

  /// Checks the broken layer as Caffe's tests would, which run in both precisions, in `Double`.
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

  /// A member: a right layer, and what is wrong in its forward pass or its gradients.
  ///
  /// - Parameters:
  ///   - labels: of a loss.
  ///   - spoil: puts the bug into the gradients of the right backward pass.
  ///   - forward: the forward pass, if it is wrong.
  init<Right: SingleInputLayer>(
    _ name: String, _ right: Right, _ input: Shape, at point: Point = .normal, labels: [Int] = [],
    bug: String, code: String, expected: Verdict,
    spoil: @escaping Broken<Right>.Spoil = { _, _ in }, forward: Broken<Right>.Forward? = nil
  ) where Right.Scalar == Double {
    self.init(
      name, right, broken: Broken(right: right, wrongForward: forward, spoil: spoil), input,
      at: point, labels: labels, bug: bug, code: code, expected: expected)
  }

  /// A member whose broken layer is a type of its own.
  init<Right: SingleInputLayer, Wrong: SingleInputLayer>(
    _ name: String, _ right: Right, broken: Wrong, _ input: Shape, at point: Point = .normal,
    labels: [Int] = [], bug: String, code: String, expected: Verdict
  ) where Right.Scalar == Double, Wrong.Scalar == Double {
    self.name = name
    self.bug = bug
    self.code = code
    self.expected = expected
    let type = Right.Specification.typeName
    self.type = type
    run = { options, isBroken in
      var generator = SplitMix64(seed: options.seed)
      let data = draw(input, point, using: &generator)
      return isBroken
        ? try GradientChecking.check(
          broken, input: input, labels: labels, at: data, name: name, version: "broken",
          options: options)
        : try GradientChecking.check(
          right, input: input, labels: labels, at: data, name: type, version: "right",
          options: options)
    }
    runCaffe = { seed, isBroken in
      var generator = SplitMix64(seed: seed)
      // The scores of Caffe's test of the loss have a deviation of 10.
      let deviation = labels.isEmpty ? 1.0 : 10
      let data = Tensor<Double>.normal(input, deviation: deviation, using: &generator)
      let parameters = try right.specification.parameters(for: input).map {
        Tensor<Double>.normal($0.shape, using: &generator)
      }
      let tolerances = CaffeTolerances.caffe(for: type)
      return isBroken
        ? try caffeCheck(
          LayerFunction(broken, inputs: [data], parameters: parameters, labels: labels),
          tolerances: tolerances)
        : try caffeCheck(
          LayerFunction(right, inputs: [data], parameters: parameters, labels: labels),
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
