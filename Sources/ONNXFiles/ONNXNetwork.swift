import Layers
import Networks
import NumPyFiles
import TensorFiles
import Tensors

/// A graph as a network of this project, its shapes computed.
///
/// ```swift
/// let graph = try ONNXNetwork(ONNXModel(contentsOf: url))
/// let network = try Network(
///   graph.definition, backend: FastBackend<Float>(), gradients: .none, phase: .testing,
///   parameters: graph.tensors())
/// ```
///
/// A value of the graph is a blob of its name. A node is a layer, or a few: one that pads unevenly pads
/// first, and a softmax along another axis than that of the channels is one of another view.
public struct ONNXNetwork: Sendable {
  /// Where a layer comes from.
  public struct Origin: Sendable, Equatable {
    /// The place of its node in the file.
    public let node: Int
    /// The node's name; that of the operator where it has none.
    public let name: String
    /// Whether the layer's output is what the node makes. Of the layers that a node becomes, it is the
    /// last one's.
    public let isWhole: Bool
  }

  /// The layers, in an order in which they can run. The images are the first input that is no
  /// initializer.
  public let definition: NetworkDefinition
  /// The number of images that the file is about, 1 where it leaves that open.
  public let batch: Int
  /// Of each layer, weights and biases in its order and layout: `f4`, or `f8` in a graph of doubles.
  public let parameters: [[NumPyArray]]
  /// Where each layer comes from.
  public let origins: [Origin]
  /// The names of what the graph gives.
  public let outputs: [String]

  /// Reads a model's graph.
  ///
  /// Shapes that the file says of values between nodes are not looked at: they can be wrong.
  ///
  /// - Parameters:
  ///   - model: the model.
  ///   - shapes: those of inputs, by name, where the file leaves them open; an open number of images
  ///     is 1 otherwise.
  /// - Throws: `TensorFileError` naming the node and what is wrong with it, or what of it has no
  ///   layer in this project.
  /// - Complexity: O(nodes + parameters), with memory for the parameters.
  public init(
    _ model: ONNXModel, shapes: [String: Shape] = [:]
  ) throws(TensorFileError) {
    var builder = GraphBuilder(model)
    try builder.addInputs(shapes)
    for (index, node) in model.message.graph.node.enumerated() {
      try builder.add(ONNXNode(node, index: index, opset: model.opset, file: model.file))
    }
    outputs = try builder.outputs()
    (definition, batch) = (builder.definition, builder.batch)
    (parameters, origins) = (builder.parameters, builder.origins)
  }

  /// The parameters in one precision, as `Network` takes them.
  ///
  /// - Complexity: O(parameters), with memory for them.
  public func tensors<Element: Scalar>(as type: Element.Type = Element.self) -> [[Tensor<Element>]]
  {
    parameters.map { $0.map { $0.tensor(as: Element.self) } }
  }

  /// The convolutions and inner products in order: weights, then bias. A sum with one number for each
  /// output behind a product that has no bias is its bias.
  ///
  /// - Complexity: O(layers²): the numbers are shared, not copied.
  public func products() -> [[NumPyArray]] {
    definition.layers.indices.compactMap { index in
      let layer = definition.layers[index]
      let outputs: Int
      switch layer.specification {
      case let convolution as ConvolutionSpecification: outputs = convolution.outputChannels
      case let product as InnerProductSpecification: outputs = product.outputs
      default: return nil
      }
      guard parameters[index].count == 1 else { return parameters[index] }
      let bias = definition.layers.indices.first { next in
        definition.layers[next].bottoms == [layer.top]
          && definition.layers[next].specification is AddSpecification
          && [1, outputs].contains(parameters[next].first?.shape.count)
      }
      return parameters[index]
        + (bias.flatMap { parameters[$0].first }.map { [$0.spread(over: outputs)] } ?? [])
    }
  }
}
