import Layers
import NumPyFiles
import ONNXMessages
import SwiftProtobuf
import TensorFiles
import Tensors
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension ONNXModel {
  /// The version of the operators that is written: the first in which softmax runs along one axis.
  static let writtenOpset = 13

  /// A model to be written: opset 13, IR version 8, all weights in the file.
  ///
  /// The number of images is left open, under the name N. Weights are called `<node>.weight` and
  /// `<node>.bias`; those in double precision are rounded to `Float`. Every value has its shape beside it, for programs that draw graphs.
  ///
  /// - Parameters:
  ///   - graph: the nodes, each with a name of its own, as the values have.
  ///   - name: what the graph is called.
  /// - Throws: `TensorFileError` for names that are empty or occur twice, and for layers that ONNX
  ///   has no operator for (normalisation within a channel, an inner product from another axis than 1
  ///   on).
  /// - Complexity: O(parameters), with memory for their bytes.
  public init(_ graph: ONNXGraph, name: String) throws(TensorFileError) {
    var writer = GraphWriter(name: name)
    for operation in graph.operations { try writer.add(operation) }
    writer.graph.input = graph.inputs.map(GraphWriter.info)
    writer.graph.output = graph.outputs.map(GraphWriter.info)
    try writer.checkNames()
    var message = Onnx_ModelProto()
    message.irVersion = 8
    message.producerName = "swift-alexnet"
    message.graph = writer.graph
    message.opsetImport = [Onnx_OperatorSetIdProto()]
    message.opsetImport[0].domain = ""
    message.opsetImport[0].version = Int64(Self.writtenOpset)
    self.init(message, file: name, opset: Self.writtenOpset)
  }

  /// Writes the file. It appears whole or not at all.
  ///
  /// - Throws: `TensorFileError` when the file can't be written.
  /// - Complexity: O(length) of the file, with as much memory.
  public func write(to url: URL) throws(TensorFileError) {
    let place = FilePlace(file: url.relativePath)
    do {
      let bytes: [UInt8] = try message.serializedBytes(partial: true)
      try WholeFile.write(bytes, to: url)
    } catch let error as FileError {
      throw place.error(error.problem)
    } catch {
      throw place.error("cannot be written: \(error)")
    }
  }
}

/// Makes nodes of layers.
private struct GraphWriter {
  var graph = Onnx_GraphProto()

  init(name: String) { graph.name = name.isEmpty ? "graph" : name }

  private func error(_ node: String, _ problem: String) -> TensorFileError {
    FilePlace(file: graph.name, part: "node \"\(node)\"").error(problem)
  }

  /// A value's name and shape, the first extent left open.
  static func info(_ value: ONNXGraph.Value) -> Onnx_ValueInfoProto {
    var info = Onnx_ValueInfoProto()
    info.name = value.name
    info.type.tensorType.elemType = 1
    info.type.tensorType.shape.dim = value.shape.dimensions.enumerated().map { axis, extent in
      var dimension = Onnx_TensorShapeProto.Dimension()
      dimension.value = axis == 0 ? .dimParam("N") : .dimValue(Int64(extent))
      return dimension
    }
    return info
  }

  private mutating func node(
    _ type: String, _ name: String, _ inputs: [String], _ output: String,
    _ attributes: [Onnx_AttributeProto] = []
  ) {
    var node = Onnx_NodeProto()
    node.opType = type
    node.name = name
    node.input = inputs
    node.output = [output]
    node.attribute = attributes
    graph.node.append(node)
  }

  private mutating func initializer(_ name: String, _ array: NumPyArray) {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = array.shape.dimensions.map(Int64.init)
    tensor.dataType = array.elementType == .int64 ? 7 : 1
    let narrow = array.elementType == .float64 ? NumPyArray(array.tensor(as: Float.self)) : array
    tensor.rawData = Data(narrow.bytes)
    graph.initializer.append(tensor)
  }

  mutating func add(_ operation: ONNXGraph.Operation) throws(TensorFileError) {
    let (name, output) = (operation.name, operation.output.name)
    var inputs = [operation.input.name]
    for (array, ending) in zip(operation.parameters, ["weight", "bias"]) {
      inputs.append("\(name).\(ending)")
      initializer("\(name).\(ending)", array)
    }
    switch operation.kind {
    case .convolution(let layer):
      node(
        "Conv", name, inputs, output,
        [
          integers("kernel_shape", layer.kernel), integers("strides", layer.stride),
          integers("pads", layer.pad, layer.pad), integers("dilations", layer.dilation),
          integer("group", layer.group),
        ])
    case .pooling(let layer): addPooling(layer, name, inputs, output)
    case .lrn(let layer):
      guard layer.region == .acrossChannels else {
        throw error(name, "ONNX has no operator for normalisation within a channel")
      }
      node(
        "LRN", name, inputs, output,
        [
          integer("size", layer.localSize), float("alpha", layer.alpha),
          float("beta", layer.beta), float("bias", layer.k),
        ])
    case .innerProduct(let layer):
      guard layer.axis == 1 else {
        throw error(name, "ONNX's Gemm starts at axis 1, not at \(layer.axis)")
      }
      if operation.input.shape.rank != 2 {
        inputs[0] = "\(name).flat"
        node("Flatten", "\(name).flatten", [operation.input.name], inputs[0], [integer("axis", 1)])
        let shape = operation.input.shape
        let flat = Shape(shape.images, shape.imageCount)
        graph.valueInfo.append(Self.info(ONNXGraph.Value(name: inputs[0], shape: flat)))
      }
      node("Gemm", name, inputs, output, [integer("transB", 1)])
    case .relu: node("Relu", name, inputs, output)
    case .dropout(let layer):
      // Without training_mode it is the identity: the ratio is for those who train.
      initializer("\(name).ratio", NumPyArray(Tensor(Shape(), [Float(layer.ratio)])))
      node("Dropout", name, inputs + ["\(name).ratio"], output)
    case .softmax: node("Softmax", name, inputs, output, [integer("axis", 1)])
    case .view: addView(operation, inputs)
    }
    graph.valueInfo.append(Self.info(operation.output))
  }

  private mutating func addPooling(
    _ layer: PoolingSpecification, _ name: String, _ inputs: [String], _ output: String
  ) {
    let type = layer.method == .maximum ? "MaxPool" : "AveragePool"
    guard let kernel = layer.kernel else { return node("Global\(type)", name, inputs, output) }
    var attributes = [
      integers("kernel_shape", kernel), integers("strides", layer.stride),
      integers("pads", layer.pad, layer.pad),
      integer("ceil_mode", layer.rounding == .ceiling ? 1 : 0),
    ]
    // Caffe's averages count the padding.
    if layer.method == .average { attributes.append(integer("count_include_pad", 1)) }
    node(type, name, inputs, output, attributes)
  }

  private mutating func addView(_ operation: ONNXGraph.Operation, _ inputs: [String]) {
    let (name, shape) = (operation.name, operation.output.shape)
    if shape == operation.input.shape {
      node("Identity", name, inputs, operation.output.name)
    } else {
      // 0 keeps the number of images.
      let extents = shape.dimensions.enumerated().map { axis, extent in
        axis == 0 && extent == operation.input.shape.images ? 0 : extent
      }
      initializer("\(name).shape", NumPyArray(extents))
      node("Reshape", name, inputs + ["\(name).shape"], operation.output.name)
    }
  }

  /// Every name is to be there, and to be that of one thing.
  func checkNames() throws(TensorFileError) {
    var (nodes, values) = (Set<String>(), Set<String>())
    for name in graph.input.map(\.name) + graph.initializer.map(\.name)
    where name.isEmpty || !values.insert(name).inserted {
      throw error(name, "an input or weight has no name, or one that another has")
    }
    for node in graph.node {
      guard !node.name.isEmpty, nodes.insert(node.name).inserted else {
        throw error(node.name, "a node has no name, or one that another has")
      }
      for name in node.output where name.isEmpty || !values.insert(name).inserted {
        throw error(node.name, "its value \"\(name)\" has no name, or one that another has")
      }
    }
  }

  // MARK: - Attributes

  private func integer(_ name: String, _ value: Int) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    (attribute.name, attribute.type, attribute.i) = (name, .int, Int64(value))
    return attribute
  }

  private func integers(_ name: String, _ extents: Extent...) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    (attribute.name, attribute.type) = (name, .ints)
    attribute.ints = extents.flatMap { [Int64($0.height), Int64($0.width)] }
    return attribute
  }

  private func float(_ name: String, _ value: Double) -> Onnx_AttributeProto {
    var attribute = Onnx_AttributeProto()
    (attribute.name, attribute.type, attribute.f) = (name, .float, Float(value))
    return attribute
  }
}
