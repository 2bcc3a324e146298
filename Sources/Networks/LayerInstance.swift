import Layers
import Tensors

/// A layer of a running network, with the memory of what its forward pass keeps.
///
/// The two protocols hide the type of that memory, which every layer chooses for itself.
enum LayerInstance<Scalar: Tensors.Scalar> {
  case outOfPlace(any OutOfPlaceInstance<Scalar>)
  case inPlace(any InPlaceInstance<Scalar>)

  /// The layer of a backend, or of one's own, that a definition asks for.
  init(
    _ definition: LayerDefinition, inputs: [Shape], backend: some Backend<Scalar>
  ) throws(LayerError) {
    self = try definition.named { () throws(LayerError) in
      let layer = try definition.specification.layer(on: backend)
      guard definition.isInPlace else { return .outOfPlace(try instance(of: layer, inputs)) }
      guard let layer = layer as? any InPlaceLayer<Scalar> else {
        throw LayerError(
          layer: definition.name, value: "top equal to its bottom",
          rule: "is not possible: \(type(of: layer)) is no InPlaceLayer")
      }
      if let obstacle = layer.inPlaceObstacle {
        throw LayerError(
          layer: definition.name, value: "top equal to its bottom",
          rule: "is not possible here: \(obstacle)")
      }
      return .inPlace(try inPlaceInstance(of: layer, inputs))
    }
  }

  /// What the layer's type says of itself.
  var description: LayerDescription {
    switch self {
    case .outOfPlace(let instance): instance.description
    case .inPlace(let instance): instance.description
    }
  }
}

/// What is known of the type of a layer in a running network.
struct LayerDescription {
  /// The layer's type with its module, for example `Fast.Convolution`.
  var implementation: String
  /// The algorithm that runs for the layer's inputs.
  var algorithm: String?

  init<L: Layer>(_ layer: L, _ inputs: [Shape]) {
    implementation = String(String(reflecting: L.self).prefix { $0 != "<" })
    algorithm = layer.algorithm(for: inputs)
  }
}

/// A layer whose output has memory of its own.
protocol OutOfPlaceInstance<Scalar>: AnyObject {
  associatedtype Scalar: Tensors.Scalar

  var description: LayerDescription { get }

  func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>)

  func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool)

  func updateState(_ parameters: inout [Tensor<Scalar>])
}

/// A layer that writes over its input.
protocol InPlaceInstance<Scalar>: AnyObject {
  associatedtype Scalar: Tensors.Scalar

  var description: LayerDescription { get }

  func forward(inPlace data: inout Tensor<Scalar>, context: inout RunContext)
  func backward(inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>)
}

private class Instance<L: Layer> {
  let layer: L
  let description: LayerDescription
  var saved: L.Saved

  init(_ layer: L, _ inputs: [Shape]) throws(LayerError) {
    self.layer = layer
    description = LayerDescription(layer, inputs)
    saved = try layer.makeSaved(for: inputs)
  }
}

private final class OutOfPlace<L: Layer>: Instance<L>, OutOfPlaceInstance {
  func forward(
    _ inputs: [Tensor<L.Scalar>], parameters: [Tensor<L.Scalar>], context: inout RunContext,
    output: inout Tensor<L.Scalar>
  ) {
    layer.forward(
      inputs, parameters: parameters, context: &context, output: &output, saved: &saved)
  }

  func backward(
    outputGradient: Tensor<L.Scalar>, inputs: [Tensor<L.Scalar>], output: Tensor<L.Scalar>,
    parameters: [Tensor<L.Scalar>], inputGradients: inout [Tensor<L.Scalar>?],
    parameterGradients: inout [Tensor<L.Scalar>], accumulating: Bool
  ) {
    layer.backward(
      outputGradient: outputGradient, inputs: inputs, output: output, parameters: parameters,
      saved: saved, inputGradients: &inputGradients, parameterGradients: &parameterGradients,
      accumulating: accumulating)
  }

  func updateState(_ parameters: inout [Tensor<L.Scalar>]) {
    layer.updateState(&parameters, saved: saved)
  }
}

private final class InPlace<L: InPlaceLayer>: Instance<L>, InPlaceInstance {
  func forward(inPlace data: inout Tensor<L.Scalar>, context: inout RunContext) {
    layer.forward(inPlace: &data, context: &context, saved: &saved)
  }

  func backward(inPlace gradient: inout Tensor<L.Scalar>, output: Tensor<L.Scalar>) {
    layer.backward(inPlace: &gradient, output: output, saved: saved)
  }
}

private func instance<L: Layer>(
  of layer: L, _ inputs: [Shape]
) throws(LayerError) -> any OutOfPlaceInstance<L.Scalar> {
  try OutOfPlace(layer, inputs)
}

private func inPlaceInstance<L: InPlaceLayer>(
  of layer: L, _ inputs: [Shape]
) throws(LayerError) -> any InPlaceInstance<L.Scalar> {
  try InPlace(layer, inputs)
}
