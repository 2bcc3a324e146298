import Layers
import Tensors

/// A layer in a running network, with the memory of what its forward pass keeps.
///
/// The protocol hides the type of that memory, which every layer chooses for itself.
protocol Step<Scalar>: AnyObject {
  associatedtype Scalar: Tensors.Scalar

  var source: SourceLocation? { get }
  /// The module of the layer's type, for example `Fast`.
  var module: String { get }
  /// The algorithm that runs for the layer's input.
  var algorithm: String? { get }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>)

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool)
}

/// A layer whose output has memory of its own.
final class LayerStep<L: Layer>: Step {
  let layer: L
  private let input: Shape
  private var saved: L.Saved

  init(_ layer: L, input: Shape) throws(LayerError) {
    self.layer = layer
    self.input = input
    saved = try layer.makeSaved(for: input)
  }

  var source: SourceLocation? { L.source }
  var module: String { String(String(reflecting: L.self).prefix { $0 != "." }) }
  var algorithm: String? { layer.algorithm(for: input) }

  func forward(
    _ input: Tensor<L.Scalar>, parameters: [Tensor<L.Scalar>], context: inout RunContext,
    output: inout Tensor<L.Scalar>
  ) {
    layer.forward(
      input, parameters: parameters, context: &context, output: &output, saved: &saved)
  }

  func backward(
    outputGradient: Tensor<L.Scalar>, input: Tensor<L.Scalar>, output: Tensor<L.Scalar>,
    parameters: [Tensor<L.Scalar>], inputGradient: inout Tensor<L.Scalar>?,
    parameterGradients: inout [Tensor<L.Scalar>], accumulating: Bool
  ) {
    layer.backward(
      outputGradient: outputGradient, input: input, output: output, parameters: parameters,
      saved: saved, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
      accumulating: accumulating)
  }
}

/// A layer that writes over its input.
protocol InPlaceStep<Scalar>: AnyObject {
  associatedtype Scalar: Tensors.Scalar
  var source: SourceLocation? { get }
  func forward(inPlace data: inout Tensor<Scalar>, context: inout RunContext)
  func backward(inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>)
}

/// A layer that writes over its input, with its memory.
final class InPlaceLayerStep<L: InPlaceLayer>: InPlaceStep {
  let layer: L
  private var saved: L.Saved

  init(_ layer: L, input: Shape) throws(LayerError) {
    if let obstacle = layer.inPlaceObstacle {
      throw LayerError(
        layer: L.Specification.typeName, value: "top equal to its bottom",
        rule: "is not possible here: \(obstacle)")
    }
    self.layer = layer
    saved = try layer.makeSaved(for: input)
  }

  var source: SourceLocation? { L.source }

  func forward(inPlace data: inout Tensor<L.Scalar>, context: inout RunContext) {
    layer.forward(inPlace: &data, context: &context, saved: &saved)
  }

  func backward(inPlace gradient: inout Tensor<L.Scalar>, output: Tensor<L.Scalar>) {
    layer.backward(inPlace: &gradient, output: output, saved: saved)
  }
}

/// A loss in a running network.
protocol LossStep<Scalar>: AnyObject {
  associatedtype Scalar: Tensors.Scalar
  var source: SourceLocation? { get }
  var lossWeight: Double { get }
  func forward(scores: Tensor<Scalar>, labels: [Int]) throws(LayerError) -> Scalar
  func backward(labels: [Int], scoresGradient: inout Tensor<Scalar>)
}

/// A loss with its memory.
final class LossLayerStep<L: Loss>: LossStep {
  let layer: L
  private var saved: L.Saved

  init(_ layer: L, scores: Shape) throws(LayerError) {
    self.layer = layer
    saved = try layer.makeSaved(for: scores)
  }

  var source: SourceLocation? { L.source }
  var lossWeight: Double { layer.specification.lossWeight }

  func forward(scores: Tensor<L.Scalar>, labels: [Int]) throws(LayerError) -> L.Scalar {
    try layer.forward(scores: scores, labels: labels, saved: &saved)
  }

  func backward(labels: [Int], scoresGradient: inout Tensor<L.Scalar>) {
    layer.backward(labels: labels, saved: saved, scoresGradient: &scoresGradient)
  }
}

/// How a layer of a network is run.
enum RunningLayer<Scalar: Tensors.Scalar> {
  case layer(any Step<Scalar>)
  case inPlace(any InPlaceStep<Scalar>)
  /// A loss, and the softmax that shows its probabilities in a blob of their own, if asked for.
  case loss(any LossStep<Scalar>, probabilities: (any Step<Scalar>)?)
  case metric(any Metric<Scalar>)
  /// A ReLU that the layer before it does along with its own work.
  case fused

  /// The layer of a backend that a definition asks for, with its memory.
  ///
  /// - Parameters:
  ///   - definition: the layer.
  ///   - relu: the ReLU in place behind it that the layer is to do too, if there is one and it can.
  ///   - input: the shape of its input.
  ///   - backend: whose version of the layer.
  /// - Returns: the layer, and whether it does the ReLU too.
  static func make(
    _ definition: LayerDefinition, followedBy relu: ReLUSpecification?, input: Shape,
    backend: some Backend<Scalar>
  ) throws(LayerError) -> (layer: RunningLayer, fusesReLU: Bool) {
    let candidate: (any Layer<Scalar>)? =
      switch definition.operation {
      case .convolution(let specification): backend.convolution(specification)
      case .innerProduct(let specification): backend.innerProduct(specification)
      default: nil
      }
    if let relu, let candidate = candidate as? any ReLUFusing<Scalar>,
      let fused = candidate.fusing(relu)
    {
      return (.layer(try anyStep(fused, input)), true)
    }
    return (try RunningLayer(definition, input: input, backend: backend), false)
  }

  private init(
    _ definition: LayerDefinition, input: Shape, backend: some Backend<Scalar>
  ) throws(LayerError) {
    switch definition.operation {
    case .convolution(let specification):
      self = .layer(try Self.anyStep(backend.convolution(specification), input))
    case .relu(let specification):
      self = try Self.step(backend.relu(specification), inPlace: definition.isInPlace, input)
    case .pooling(let specification):
      self = .layer(try Self.anyStep(backend.pooling(specification), input))
    case .lrn(let specification):
      self = .layer(try Self.anyStep(backend.lrn(specification), input))
    case .innerProduct(let specification):
      self = .layer(try Self.anyStep(backend.innerProduct(specification), input))
    case .dropout(let specification):
      self = try Self.step(backend.dropout(specification), inPlace: definition.isInPlace, input)
    case .softmax(let specification):
      self = .layer(try Self.anyStep(backend.softmax(specification), input))
    case .softmaxWithLoss(let specification):
      let probabilities =
        try definition.probabilities == nil
        ? nil : Self.anyStep(backend.softmax(SoftmaxSpecification()), input)
      self = .loss(
        try Self.lossStep(backend.softmaxWithLoss(specification), input),
        probabilities: probabilities)
    case .accuracy(let specification):
      _ = try specification.outputShape(for: input)
      self = .metric(backend.accuracy(specification))
    }
  }

  private static func step<L: InPlaceLayer<Scalar>>(
    _ layer: L, inPlace: Bool, _ input: Shape
  ) throws(LayerError) -> RunningLayer {
    inPlace
      ? .inPlace(try InPlaceLayerStep(layer, input: input)) : .layer(try anyStep(layer, input))
  }

  private static func anyStep<L: Layer<Scalar>>(
    _ layer: L, _ input: Shape
  ) throws(LayerError) -> any Step<Scalar> {
    try LayerStep(layer, input: input)
  }

  private static func lossStep<L: Loss<Scalar>>(
    _ layer: L, _ input: Shape
  ) throws(LayerError) -> any LossStep<Scalar> {
    try LossLayerStep(layer, scores: input)
  }

  /// Where the layer's code is.
  var source: SourceLocation? {
    switch self {
    case .layer(let step): step.source
    case .inPlace(let step): step.source
    case .loss(let step, _): step.source
    case .metric(let metric): type(of: metric).source
    case .fused: nil
    }
  }
}
