import Fast
import Layers
import Reference
import Tensors
import Tuned

/// What both passes of a layer yield.
struct LayerResults<Scalar: Tensors.Scalar> {
  var output: Tensor<Scalar>
  var inputGradient: Tensor<Scalar>?
  var parameterGradients: [Tensor<Scalar>] = []

  var tensors: [(name: String, tensor: Tensor<Scalar>)] {
    [("output", output)] + (inputGradient.map { [("input gradient", $0)] } ?? [])
      + parameterGradients.enumerated().map { ("gradient of parameter \($0)", $1) }
  }
}

/// A layer on an input, to be run in both versions.
struct LayerTrial<Specification: SingleInputSpecification, Scalar: BLASScalar> {
  typealias Backend = any Layers.Backend<Scalar>

  let specification: Specification
  let input: Tensor<Scalar>
  let parameters: [Tensor<Scalar>]
  let upstream: Tensor<Scalar>
  /// What the gradients hold before, to be overwritten or added to.
  let earlier: [Tensor<Scalar>]
  let isAccumulating: Bool
  let needsInputGradient: Bool
  let context: RunContext
  /// The versions, Tuned among them in `Float`; Fast and Tuned on one to four threads.
  let backends: [Backend]

  /// The most numbers of a tensor, and the most products, that a trial may cost.
  private static var largestCount: Int { 1 << 13 }
  private static var mostProducts: Int { 1 << 19 }

  /// A trial with numbers of the bytes' choice.
  ///
  /// - Parameters:
  ///   - shape: chooses the input's shape.
  ///   - layer: makes the layer to be refused, should the specification refuse the input.
  /// - Returns: nil when the input was refused, by both versions alike, or would cost too much.
  /// - Throws: `FuzzFinding` when a version says something else than the specification.
  init?(
    _ specification: Specification, _ choices: inout Choices,
    shape: (inout Choices) -> Shape? = { $0.shape() },
    layer: (Backend) -> any SingleInputLayer<Scalar>
  ) throws {
    self.specification = specification
    guard let shape = shape(&choices) else { return nil }
    let threads = (choices.isTrue() ? 3 : 1) + (choices.isTrue() ? 1 : 0)
    let engine = Engine(threads: threads)
    backends =
      [ReferenceBackend<Scalar>(), FastBackend<Scalar>(engine: engine)]
      + [TunedBackend(engine: engine, isExact: true) as? Backend].compactMap(\.self)
    let output: Shape
    let shapes: [Shape]
    do throws(LayerError) {
      _ = try specification.window(for: shape)
      output = try specification.outputShape(for: shape)
      shapes = try specification.parameters(for: shape).map(\.shape)
    } catch {
      guard shape.count <= Self.largestCount else { return nil }
      for backend in backends {
        try Self.expectRefusal(error, layer(backend), shape)
      }
      return nil
    }
    // On an input without numbers a layer may run although its products are too many to be counted.
    guard let products = try? specification.multiplyAccumulates(for: shape),
      products <= Self.mostProducts,
      ([shape, output] + shapes).allSatisfy({ $0.count <= Self.largestCount })
    else { return nil }
    input = choices.numbers(shape)
    parameters = shapes.map { choices.numbers($0) }
    upstream = choices.numbers(output)
    earlier = shapes.map { choices.numbers($0) }
    isAccumulating = choices.isTrue()
    needsInputGradient = !choices.isTrue()
    context = RunContext(phase: choices.isTrue() ? .testing : .training, seed: 5)
  }

  private static func expectRefusal<L: SingleInputLayer>(
    _ expected: LayerError, _ layer: L, _ shape: Shape
  ) throws {
    do throws(LayerError) {
      _ = try layer.forward(Tensor(shape))
    } catch {
      try promise(
        error == expected, "\(L.self) refuses \(shape) by \(error), not by \(expected)")
      return
    }
    throw FuzzFinding("\(L.self) takes \(shape) though \(expected)")
  }

  /// Both passes of a layer, in memory that holds something else, and of a ReLU in place behind it if
  /// there is one.
  func run<L: SingleInputLayer>(
    _ layer: L, followedBy relu: (any InPlaceLayer<Scalar>)? = nil
  ) throws -> LayerResults<Scalar> where L.Scalar == Scalar {
    var output = Tensor<Scalar>(upstream.shape, repeating: 77)
    var saved = try layer.makeSaved(for: input.shape)
    var context = context
    layer.forward(
      input, parameters: parameters, context: &context, output: &output, saved: &saved)
    var gradient = upstream
    if let relu { try pass(relu, &output, &gradient, context) }
    var inputGradient: Tensor<Scalar>? =
      needsInputGradient ? Tensor(input.shape, repeating: 77) : nil
    var parameterGradients = earlier
    layer.backward(
      outputGradient: gradient, input: input, output: output, parameters: parameters,
      saved: saved, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
      accumulating: isAccumulating)
    return LayerResults(
      output: output, inputGradient: inputGradient, parameterGradients: parameterGradients)
  }

  /// As `run`, in one memory: the input becomes the output, and the gradient the input's.
  func runInPlace(_ layer: any InPlaceLayer<Scalar>) throws -> LayerResults<Scalar> {
    var (data, gradient) = (input, upstream)
    try pass(layer, &data, &gradient, context)
    return LayerResults(output: data, inputGradient: gradient)
  }

  private func pass<L: InPlaceLayer>(
    _ layer: L, _ data: inout Tensor<Scalar>, _ gradient: inout Tensor<Scalar>,
    _ context: RunContext
  ) throws where L.Scalar == Scalar {
    var saved = try layer.makeSaved(for: data.shape)
    var context = context
    layer.forward(inPlace: &data, context: &context, saved: &saved)
    layer.backward(inPlace: &gradient, output: data, saved: saved)
  }

  /// Runs all versions and expects them to agree.
  ///
  /// - Parameter bound: how far the values of a tensor may lie apart, by its name; nil where nothing
  ///   can be said of them.
  func compare(
    _ run: (Backend) throws -> LayerResults<Scalar>,
    within bound: (_ name: String) -> Double? = { _ in 0 }
  ) throws {
    let reference = try run(backends[0])
    for backend in backends.dropFirst() {
      for ((name, expected), (_, actual)) in zip(reference.tensors, try run(backend).tensors) {
        guard let bound = bound(name) else { continue }
        try expectAgreement(
          expected, actual, within: bound,
          "\(backend.name), \(specification) on \(input.shape) in \(Scalar.self), \(name)")
      }
    }
  }
}

/// Expects the values of two versions to lie no further apart than a bound.
func expectAgreement<Scalar: Tensors.Scalar>(
  _ reference: Tensor<Scalar>, _ fast: Tensor<Scalar>, within bound: Double, _ label: String
) throws {
  try promise(reference.shape == fast.shape, "\(label): \(reference.shape) and \(fast.shape)")
  let difference = reference.largestDifference(to: fast)
  try promise(
    difference <= bound,
    "\(label): differs by \(difference), allowed are \(bound)\n\(reference)\n\(fast)")
}
