import Layers
import Tensors

/// Checks the backward pass of a layer: the gradient by its input and by each parameter, and the
/// rules of the contract of `Layer`.
///
/// For a layer of your own, this is all:
///
///     let report = try check(myLayer, input: Shape(2, 3, 5, 5))
///     print(report.passed ? "right" : report.explanation)
///
/// The point is drawn at random unless it is given. A layer that is generic over its scalar can be
/// compared with its exact derivatives as well:
///
///     let report = try check(
///       MyLayer<Double>(), input: Shape(2, 3, 5, 5), exact: MyLayer<Dual<Double>>())
///
/// - Parameters:
///   - layer: the version under check, in any precision. In `Double` the bars are narrow, in
///     `Float` they are as wide as its rounding demands.
///   - shape: of the input.
///   - input: the point to check at, where a random one won't do.
///   - parameters: likewise.
///   - exact: the layer on dual numbers; any version of it that computes the same function.
///   - name: for the report; the layer's type unless given.
///   - version: for the report; the layer's module in lower case unless given.
///   - options: which elements, along how many directions, from which seed.
/// - Throws: `LayerError` when the layer refuses the shape, `CheckError` when its output is not
///   finite.
/// - Complexity: For each element and direction 6 forward passes where the function is straight, some
///   12 where it is curved, up to 48 where it bends or the gradient is wrong; 1 or 2 where
///   `options.isEconomical` and the gradient is right. For each tensor 9 more or, of a layer with few
///   outputs, 17, for the noise. So O(elements·forward) in all: choose a small shape, or
///   `CheckOptions.Mode.sampled`. Dual numbers add a forward pass for each of `exactElements`. To
///   name its cause, a wrong tensor takes two backward passes for each output, where these are no
///   more than 1000. A gradient that may be 0 but for rounding takes 32 where it seems wrong, and the
///   contract six where it doesn't add up.
public func check<L: Layer>(
  _ layer: L, input shape: Shape, at input: Tensor<Double>? = nil,
  parameters: [Tensor<Double>]? = nil, exact: (any Layer<Dual<Double>>)? = nil,
  name: String? = nil, version: String? = nil, options: CheckOptions = CheckOptions()
) throws -> GradientReport {
  var generator = SplitMix64(seed: options.seed)
  let input = input ?? .normal(shape, using: &generator)
  let parameters =
    try parameters
    ?? layer.specification.parameters(for: shape).map { .normal($0.shape, using: &generator) }
  let function = try LayerFunction(
    layer, input: input, parameters: parameters, phase: options.phase)
  let dual = try exact.map {
    try exactDerivatives(of: $0, input: input, parameters: parameters, phase: options.phase)
  }
  var contract = ContractCheck(
    layer, input: input, parameters: parameters, phase: options.phase, seed: options.seed)
  let violations = try contract.violations()
  // Difference quotients of something that isn't a function would mean nothing.
  if violations.contains(where: {
    $0.rule == .isFunctionOfInputAndSeed || $0.rule == .overwritesOutput
  }) {
    return GradientReport(violations: violations)
  }
  let report = try check(
    function, exact: dual, name: name ?? L.Specification.typeName,
    version: version ?? moduleName(of: L.self),
    facts: Facts(layer.specification, input: shape), options: options)
  return report.merging(GradientReport(violations: violations))
}

/// Checks the gradient of a loss by the scores.
///
///     let report = try check(myLoss, scores: Shape(4, 10), labels: [3, 1, 4, 1])
///
/// - Parameters:
///   - loss: the version under check.
///   - shape: of the scores.
///   - labels: the true classes, one for each image and position.
///   - scores: the point to check at, where a random one won't do.
///   - exact: the loss on dual numbers.
///   - name: for the report.
///   - version: for the report; the module of the loss in lower case unless given.
///   - options: which elements, along how many directions, from which seed.
/// - Throws: `LayerError` when the loss refuses shape or labels.
/// - Complexity: As for a layer.
public func check<L: Loss>(
  _ loss: L, scores shape: Shape, labels: [Int], at scores: Tensor<Double>? = nil,
  exact: (any Loss<Dual<Double>>)? = nil, name: String? = nil, version: String? = nil,
  options: CheckOptions = CheckOptions()
) throws -> GradientReport {
  var generator = SplitMix64(seed: options.seed)
  let scores = scores ?? .normal(shape, using: &generator)
  let function = try LossFunction(loss, scores: scores, labels: labels)
  let dual = try exact.map { try exactDerivatives(of: $0, scores: scores, labels: labels) }
  var facts = Facts(loss.specification, input: shape)
  let counted = labels.count { $0 != loss.specification.ignoreLabel }
  facts.factors.append(
    Facts.Factor(
      "the share of labels that count", Double(counted) / Double(max(labels.count, 1))))
  return try check(
    function, exact: dual, name: name ?? SoftmaxWithLossSpecification.typeName,
    version: version ?? moduleName(of: L.self), facts: facts, options: options)
}

/// Checks the gradient of any function at its present point.
///
/// - Parameters:
///   - function: `PlainFunction` makes one of two closures; conform a type of your own otherwise.
///   - exact: its exact derivatives, if it has them.
///   - name: for the report.
///   - version: for the report.
///   - facts: numbers that explanations may refer to.
///   - options: which elements, along how many directions, from which seed.
/// - Throws: `CheckError` when outputs are not finite or gradients don't fit, and whatever the
///   function throws.
/// - Complexity: As for a layer, an evaluation of the function in the place of a forward pass.
public func check<F: DifferentiableFunction>(
  _ function: F, exact: (any ExactlyDifferentiable)? = nil, name: String = "function",
  version: String? = nil, facts: Facts = Facts(), options: CheckOptions = CheckOptions()
) throws -> GradientReport {
  var checker = try GradientChecker(
    function, layer: name, version: version ?? moduleName(of: F.self), options: options)
  return GradientReport(
    tensors: try checker.variables.indices.map {
      try checker.check(variable: $0, exact: exact, facts: facts)
    })
}

/// The module that a type is declared in, in lower case: `reference` for `Reference.LRN<Double>`.
func moduleName<T>(of type: T.Type) -> String {
  String(String(reflecting: type).prefix { $0 != "." }).lowercased()
}
