import Layers
import NumPyFiles
import TensorFiles
import Tensors

/// A graph as a list of this project's layers, its shapes computed.
///
/// ```swift
/// let graph = try ONNXGraph(ONNXModel(contentsOf: url))
/// for operation in graph.operations { print(operation.name, operation.shape) }
/// ```
public struct ONNXGraph: Sendable {
  /// A tensor that flows through the graph.
  public struct Value: Sendable, Equatable {
    /// Its name in the file.
    public let name: String
    /// Its shape.
    public let shape: Shape

    /// A tensor that flows.
    public init(name: String, shape: Shape) {
      self.name = name
      self.shape = shape
    }
  }

  /// A node, or a MatMul with the Add of its bias.
  public struct Operation: Sendable {
    /// The place of its node in the file.
    public let index: Int
    /// The node's name; that of the operator where it has none.
    public let name: String
    /// What it is as a layer.
    public let kind: Kind
    /// The value that it takes.
    public let input: Value
    /// The value that it makes.
    public let output: Value
    /// Weights and biases in the layer's order and layout: `f4`, or `f8` in a graph of doubles.
    public let parameters: [NumPyArray]

    /// A node to be written.
    public init(
      index: Int, name: String, kind: Kind, input: Value, output: Value,
      parameters: [NumPyArray] = []
    ) {
      self.index = index
      self.name = name
      self.kind = kind
      self.input = input
      self.output = output
      self.parameters = parameters
    }
  }

  /// What nodes become.
  public enum Kind: Sendable, Equatable {
    /// Conv.
    case convolution(ConvolutionSpecification)
    /// MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool.
    case pooling(PoolingSpecification)
    /// LRN.
    case lrn(LRNSpecification)
    /// Gemm, or MatMul with the Add behind it.
    case innerProduct(InnerProductSpecification)
    /// Relu.
    case relu(ReLUSpecification)
    /// Dropout.
    case dropout(DropoutSpecification)
    /// Softmax.
    case softmax(SoftmaxSpecification)
    /// Reshape, Flatten, Identity: the same numbers in another shape, or in the same.
    case view
  }

  /// What the graph is given: the inputs that are no weights.
  public let inputs: [Value]
  /// The nodes in an order in which they can run.
  public let operations: [Operation]
  /// What the graph gives.
  public let outputs: [Value]

  /// A graph to be written.
  public init(inputs: [Value], operations: [Operation], outputs: [Value]) {
    self.inputs = inputs
    self.operations = operations
    self.outputs = outputs
  }

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
    inputs = builder.inputs
    operations = builder.operations
    outputs = try builder.outputs()
  }
}
