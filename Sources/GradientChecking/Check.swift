import Layers
import Tensors

/// Checks the backward pass of a layer: the gradients of its input and of each parameter, and the
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
/// A loss compares its input, the scores, with labels:
///
///     let report = try check(myLoss, input: Shape(4, 10), labels: [3, 1, 4, 1])
///
/// - Parameters:
///   - layer: the version under check, in any precision. In `Double` the bars are narrow, in
///     `Float` they are as wide as its rounding demands.
///   - shape: of the input.
///   - labels: the true classes, one for each image and position, for a loss.
///   - input: the point to check at, where a random one won't do.
///   - parameters: likewise. Unless given, state has its first value.
///   - exact: the layer on dual numbers; any version of it that computes the same function.
///   - name: for the report; the layer's type unless given.
///   - version: for the report; the layer's module in lower case unless given.
///   - options: which elements, along how many directions, from which seed.
///   - progress: told after each element and direction how much is done; returning false stops the check,
///     whose report is then of what was done.
/// - Throws: `LayerError` when the layer refuses the shape or the labels, `CheckError` when the input
///   given has another shape, or the output is not finite.
/// - Complexity: For each element and direction 6 forward passes where the function is straight, some
///   12 where it is curved, up to 48 where it bends or the gradient is wrong; 1 or 2 where
///   `options.isEconomical` and the gradient is right. For each tensor 9 more or, of a layer with few
///   outputs, 17, for the noise. So O(elements·forward) in all: choose a small shape, or
///   `CheckOptions.Mode.sampled`. Dual numbers add a forward pass for each of `exactElements`. To
///   name its cause, a wrong tensor takes two backward passes for each output, where these are no
///   more than 1000. A gradient that may be 0 but for rounding takes 32 where it seems wrong, and the
///   contract six where it doesn't add up.
public func check<L: SingleInputLayer>(
  _ layer: L, input shape: Shape, labels: [Int] = [], at input: Tensor<Double>? = nil,
  parameters: [Tensor<Double>]? = nil, exact: (any Layer<Dual<Double>>)? = nil,
  name: String? = nil, version: String? = nil, options: CheckOptions = CheckOptions(),
  progress: ((CheckProgress) -> Bool)? = nil
) throws -> GradientReport {
  try check(
    layer, inputs: [shape], labels: labels, at: input.map { [$0] }, parameters: parameters,
    exact: exact, name: name, version: version, options: options, progress: progress)
}

/// Checks the backward pass of a layer with any number of inputs: the gradients of each input and each
/// parameter that is learned, and the rules of the contract of `Layer`.
///
///     let report = try check(mySum, inputs: [Shape(2, 3), Shape(2, 3)])
///
/// - Parameters:
///   - layer: the version under check, in any precision.
///   - shapes: of the inputs.
///   - labels: the true classes, for a loss that takes some.
///   - inputs: the point to check at, where a random one won't do.
///   - parameters: likewise. Unless given, state has its first value.
///   - exact: the layer on dual numbers; any version of it that computes the same function.
///   - name: for the report; the layer's type unless given.
///   - version: for the report; the layer's module in lower case unless given.
///   - options: which elements, along how many directions, from which seed.
///   - progress: told after each element and direction how much is done; returning false stops the check,
///     whose report is then of what was done.
/// - Throws: as for one input.
/// - Complexity: As for one input.
public func check<L: Layer>(
  _ layer: L, inputs shapes: [Shape], labels: [Int] = [], at inputs: [Tensor<Double>]? = nil,
  parameters: [Tensor<Double>]? = nil, exact: (any Layer<Dual<Double>>)? = nil,
  name: String? = nil, version: String? = nil, options: CheckOptions = CheckOptions(),
  progress: ((CheckProgress) -> Bool)? = nil
) throws -> GradientReport {
  let (inputs, parameters) = try point(
    of: layer.specification, shapes, inputs, parameters, seed: options.seed)
  let function = try LayerFunction(
    layer, inputs: inputs, parameters: parameters, labels: labels, phase: options.phase)
  let dual = try exact.map {
    try exactDerivatives(
      of: $0, inputs: inputs, parameters: parameters, labels: labels, phase: options.phase)
  }
  var contract = try ContractCheck(
    layer, inputs: inputs, parameters: parameters, labels: labels, options: options)
  let violations = try contract.violations()
  // Difference quotients of something that isn't a function would mean nothing.
  if violations.contains(where: {
    $0.rule == .isFunctionOfInputAndSeed || $0.rule == .overwritesOutput
  }) {
    return GradientReport(violations: violations)
  }
  let report = try check(
    function, exact: dual, name: name ?? layerName(of: L.self),
    version: version ?? moduleName(of: L.self),
    facts: Facts(layer.specification, inputs: shapes, labels: labels), options: options,
    progress: progress)
  return report.merging(GradientReport(violations: violations))
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
///   - progress: told after each element and direction how much is done; returning false stops the check,
///     whose report is then of what was done.
/// - Throws: `CheckError` when outputs are not finite or gradients don't fit, and whatever the
///   function throws.
/// - Complexity: As for a layer, an evaluation of the function in the place of a forward pass.
public func check<F: DifferentiableFunction>(
  _ function: F, exact: (any ExactlyDifferentiable)? = nil, name: String = "function",
  version: String? = nil, facts: Facts = Facts(), options: CheckOptions = CheckOptions(),
  progress: ((CheckProgress) -> Bool)? = nil
) throws -> GradientReport {
  var checker = try GradientChecker(
    function, layer: name,
    version: version ?? (function is PlainFunction ? "yours" : moduleName(of: F.self)),
    options: options)
  var report = GradientReport()
  let variables = checker.variables
  for (number, variable) in variables.enumerated() {
    var isWanted = true
    let tensor = try checker.check(variable: number, exact: exact, facts: facts) { done, total in
      isWanted =
        progress?(
          CheckProgress(
            tensor: variable.name, linesDone: done, lines: total, tensorsDone: number,
            tensors: variables.count)) ?? true
      return isWanted
    }
    report.tensors.append(tensor)
    if !isWanted { break }
  }
  return report
}

/// The point at which a layer is checked: what is given, and the rest at random.
func point(
  of specification: some LayerSpecification, _ shapes: [Shape], _ inputs: [Tensor<Double>]?,
  _ parameters: [Tensor<Double>]?, seed: UInt64
) throws -> (inputs: [Tensor<Double>], parameters: [Tensor<Double>]) {
  var generator = SplitMix64(seed: seed)
  let inputs = inputs ?? shapes.map { .normal($0, using: &generator) }
  guard inputs.map(\.shape) == shapes else {
    throw CheckError(
      reason: "the point has inputs of shapes \(inputs.map(\.shape)) and must have \(shapes)")
  }
  let parameters =
    try parameters
    ?? specification.parameters(for: shapes).map {
      $0.isLearned
        ? .normal($0.shape, using: &generator) : Tensor($0.shape, repeating: $0.initialValue)
    }
  return (inputs, parameters)
}

/// What its specification calls a layer. But a loss of one's own that is specified as softmax with loss is
/// called as its type.
func layerName<L: Layer>(of type: L.Type) -> String {
  guard moduleName(of: L.Specification.self) == "layers" else { return L.Specification.typeName }
  return String("\(type)".prefix { $0 != "<" })
}

/// The module that a type is declared in, in lower case: `reference` for `Reference.LRN<Double>`.
func moduleName<T>(of type: T.Type) -> String {
  String(String(reflecting: type).prefix { $0 != "." }).lowercased()
}
