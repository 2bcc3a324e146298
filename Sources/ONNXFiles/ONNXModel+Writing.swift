import Layers
import Networks
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

  /// A network to be written, with its parameters: opset 13, IR version 8, all weights in the file.
  ///
  /// Layers that take labels, losses and accuracies, are left out: what the graph gives is what no other
  /// layer reads, the scores as a rule. The number of images is left open, under the name N. A layer's node
  /// has its name, its weights are called `<layer>.weight` and `<layer>.bias`; those in double precision are
  /// rounded to `Float`. Values are called as their blobs, but behind a layer in place as that layer. Every
  /// value has its shape beside it, for programs that draw graphs.
  ///
  /// - Parameters:
  ///   - network: the layers.
  ///   - parameters: those of each layer.
  ///   - batch: a number of images that the network can take.
  /// - Throws: `TensorFileError` for an impossible network, parameters that don't fit it, names that are
  ///   empty or occur twice, and for layers that ONNX has no operator for (normalisation within a channel,
  ///   an inner product from another axis than 1 on, a layer of your own).
  /// - Complexity: O(parameters), with memory for their bytes.
  public init(
    _ network: NetworkDefinition, parameters: [[NumPyArray]], batch: Int = 1
  ) throws(TensorFileError) {
    var writer = try GraphWriter(network, batch: batch)
    for index in network.layers.indices {
      try writer.add(index, parameters.indices.contains(index) ? parameters[index] : [])
    }
    try writer.finish()
    var message = Onnx_ModelProto()
    message.irVersion = 8
    message.producerName = "swift-alexnet"
    message.graph = writer.graph
    message.opsetImport = [Onnx_OperatorSetIdProto()]
    message.opsetImport[0].domain = ""
    message.opsetImport[0].version = Int64(Self.writtenOpset)
    self.init(message, file: network.name, opset: Self.writtenOpset)
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
  private(set) var graph = Onnx_GraphProto()
  private let network: NetworkDefinition
  private let plan: NetworkPlan
  /// The same for one image more, where that is possible: it shows which extents are numbers of images.
  private let greater: NetworkPlan?
  /// What the content of each blob is called, as far as it has been written.
  private var values: [String: String]
  /// The values that no node has read.
  private var unread: [String] = []

  init(_ network: NetworkDefinition, batch: Int) throws(TensorFileError) {
    self.network = network
    do {
      plan = try NetworkPlan(network, batch: batch)
    } catch {
      throw FilePlace(file: network.name).error("\(error)")
    }
    greater = try? NetworkPlan(network, batch: batch + 1)
    let inputs = [network.data] + network.otherInputs.map(\.name)
    values = Dictionary(inputs.map { ($0, $0) }) { first, _ in first }
    graph.name = network.name.isEmpty ? "graph" : network.name
    graph.input = inputs.enumerated().map { info($1, blob: $0) }
  }

  private func error(_ node: String, _ problem: String) -> TensorFileError {
    FilePlace(file: graph.name, part: "node \"\(node)\"").error(problem)
  }

  /// A value's name and shape. An extent that grows with the number of images is N if it is that number.
  private func info(_ name: String, blob: Int) -> Onnx_ValueInfoProto {
    let shape = plan.blobs[blob].shape
    return info(name, shape.dimensions, greater?.blobs[blob].shape.dimensions ?? shape.dimensions)
  }

  private func info(_ name: String, _ extents: [Int], _ greater: [Int]) -> Onnx_ValueInfoProto {
    var info = Onnx_ValueInfoProto()
    info.name = name
    info.type.tensorType.elemType = 1
    info.type.tensorType.shape.dim = zip(extents, greater).map { extent, next in
      var dimension = Onnx_TensorShapeProto.Dimension()
      if extent == next {
        dimension.value = .dimValue(Int64(extent))
      } else if extent == plan.input.images {
        dimension.value = .dimParam("N")
      }
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

  private mutating func initializer(_ name: String, _ array: NumPyArray) -> String {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = array.shape.dimensions.map(Int64.init)
    tensor.dataType = array.elementType == .int64 ? 7 : 1
    let narrow = array.elementType == .float64 ? NumPyArray(array.tensor(as: Float.self)) : array
    tensor.rawData = Data(narrow.bytes)
    graph.initializer.append(tensor)
    return name
  }

  mutating func add(_ index: Int, _ parameters: [NumPyArray]) throws(TensorFileError) {
    let (layer, planned) = (network.layers[index], plan.layers[index])
    guard !layer.specification.takesLabels else { return }
    let name = layer.name
    guard parameters.map(\.shape) == planned.parameters.map(\.shape) else {
      throw error(
        name,
        "has parameters of shapes \(parameters.map(\.shape)) and needs \(planned.parameters.map(\.shape))"
      )
    }
    var inputs: [String] = []
    for bottom in layer.bottoms {
      guard let value = values[bottom] else { throw error(name, "reads what a loss makes") }
      inputs.append(value)
    }
    unread.removeAll { inputs.contains($0) }
    for (array, ending) in zip(parameters, ["weight", "bias"]) {
      inputs.append(initializer("\(name).\(ending)", array))
    }
    let output = layer.isInPlace ? name : layer.top
    try add(layer.specification, name, inputs, output, planned)
    values[layer.top] = output
    unread.append(output)
    graph.valueInfo.append(info(output, blob: planned.top))
  }

  private mutating func add(
    _ specification: any LayerSpecification, _ name: String, _ inputs: [String], _ output: String,
    _ planned: NetworkPlan.Layer
  ) throws(TensorFileError) {
    switch specification {
    case let layer as ConvolutionSpecification:
      node(
        "Conv", name, inputs, output,
        [
          integers("kernel_shape", layer.kernel), integers("strides", layer.stride),
          integers("pads", layer.pad, layer.pad), integers("dilations", layer.dilation),
          integer("group", layer.group),
        ])
    case let layer as PoolingSpecification:
      let type = layer.method == .maximum ? "MaxPool" : "AveragePool"
      guard let kernel = layer.kernel else { return node("Global\(type)", name, inputs, output) }
      // Caffe's averages count the padding.
      try addPooling(
        WindowPoolingSpecification(
          method: layer.method, kernel: kernel, stride: layer.stride, dilation: 1,
          before: layer.pad, after: layer.pad, roundsUp: layer.rounding == .ceiling,
          countsPadding: true), name, inputs, output)
    case let layer as AdaptiveAveragePoolingSpecification:
      // At this size it is a plain average, or ONNX has no operator for it.
      let (input, size) = (planned.input, layer.output)
      guard input.height.isMultiple(of: size.height), input.width.isMultiple(of: size.width)
      else {
        throw error(
          name,
          "ONNX has no average pooling from \(input.height)×\(input.width) to \(size): one side "
            + "must be a multiple of the other")
      }
      let kernel = Extent(
        height: input.height / size.height, width: input.width / size.width)
      try addPooling(
        WindowPoolingSpecification(method: .average, kernel: kernel, stride: kernel), name, inputs,
        output)
    case let layer as WindowPoolingSpecification: try addPooling(layer, name, inputs, output)
    case let layer as LRNSpecification:
      guard layer.region == .acrossChannels else {
        throw error(name, "ONNX has no operator for normalisation within a channel")
      }
      node(
        "LRN", name, inputs, output,
        [
          integer("size", layer.localSize), float("alpha", layer.alpha),
          float("beta", layer.beta), float("bias", layer.k),
        ])
    case let layer as InnerProductSpecification:
      guard layer.axis == 1 else {
        throw error(name, "ONNX's Gemm starts at axis 1, not at \(layer.axis)")
      }
      var inputs = inputs
      if planned.input.rank != 2 {
        let flat = "\(name).flat"
        node("Flatten", "\(name).flatten", [inputs[0]], flat, [integer("axis", 1)])
        let images = planned.input.images
        let extents = [images, planned.input.imageCount]
        graph.valueInfo.append(
          info(flat, extents, [images + (greater == nil ? 0 : 1), extents[1]]))
        inputs[0] = flat
      }
      node("Gemm", name, inputs, output, [integer("transB", 1)])
    case is ReLUSpecification: node("Relu", name, inputs, output)
    case let layer as DropoutSpecification:
      // Without training_mode it is the identity: the ratio is for those who train.
      let ratio = initializer("\(name).ratio", NumPyArray(Tensor(Shape(), [Float(layer.ratio)])))
      node("Dropout", name, inputs + [ratio], output)
    case is SoftmaxSpecification: node("Softmax", name, inputs, output, [integer("axis", 1)])
    case is SigmoidSpecification: node("Sigmoid", name, inputs, output)
    case is TanHSpecification: node("Tanh", name, inputs, output)
    case let layer as ConcatSpecification:
      node("Concat", name, inputs, output, [integer("axis", layer.axis)])
    case let layer as EltwiseSpecification:
      guard layer.coefficients.allSatisfy({ $0 == 1 }),
        layer.operation != .product || inputs.count == 2
      else {
        throw error(
          name, "ONNX has no operator for sums with coefficients, nor for products of three")
      }
      let types = ["sum": "Sum", "product": "Mul", "maximum": "Max"]
      node(types[layer.operation.rawValue] ?? "", name, inputs, output)
    case is AddSpecification: node("Add", name, inputs, output)
    case let layer as BorderSpecification:
      let pads = [
        0, 0, layer.before.height, layer.before.width, 0, 0, layer.after.height, layer.after.width,
      ]
      node("Pad", name, inputs + [initializer("\(name).pads", NumPyArray(pads))], output)
    case let layer as ViewSpecification:
      switch layer.rule {
      case .identity: node("Identity", name, inputs, output)
      case .flatten(let axis): node("Flatten", name, inputs, output, [integer("axis", axis)])
      case .reshape(let extents, let zeroCopies):
        guard zeroCopies || !extents.contains(0) else {
          throw error(name, "opset \(ONNXModel.writtenOpset) makes no view without numbers")
        }
        let shape = initializer("\(name).shape", NumPyArray(extents))
        node("Reshape", name, inputs + [shape], output)
      }
    default: throw error(name, "ONNX has no operator for a layer of type \(planned.type)")
    }
  }

  private mutating func addPooling(
    _ layer: WindowPoolingSpecification, _ name: String, _ inputs: [String], _ output: String
  ) throws(TensorFileError) {
    var attributes = [
      integers("kernel_shape", layer.kernel), integers("strides", layer.stride),
      integers("pads", layer.before, layer.after), integer("ceil_mode", layer.roundsUp ? 1 : 0),
    ]
    if layer.method == .average {
      guard layer.dilation == 1 else {
        throw error(name, "opset \(ONNXModel.writtenOpset) has no average with dilation")
      }
      attributes.append(integer("count_include_pad", layer.countsPadding ? 1 : 0))
    } else if layer.dilation != 1 {
      attributes.append(integers("dilations", layer.dilation))
    }
    node(layer.method == .maximum ? "MaxPool" : "AveragePool", name, inputs, output, attributes)
  }

  /// Names what the graph gives. Every name is to be there, and to be that of one thing.
  mutating func finish() throws(TensorFileError) {
    guard !unread.isEmpty else {
      throw FilePlace(file: graph.name).error("the network has no layer that ONNX could write")
    }
    graph.output = graph.valueInfo.filter { unread.contains($0.name) }
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
