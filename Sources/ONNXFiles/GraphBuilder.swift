import Layers
import Networks
import NumPyFiles
import ONNXMessages
import TensorFiles
import Tensors

/// Makes layers of nodes, one after another.
struct GraphBuilder {
  /// A tensor that flows through the graph.
  struct Value {
    let name: String
    let shape: Shape
  }

  let model: ONNXModel
  private(set) var definition: NetworkDefinition
  private(set) var batch = 1
  private(set) var parameters: [[NumPyArray]] = []
  private(set) var origins: [ONNXNetwork.Origin] = []
  private var layerNames: Set<String> = []
  /// The values that flow, as far as nodes have made them.
  private var values: [String: Shape] = [:]
  /// What is known before anything runs.
  private var constants: [String: NumPyArray] = [:]
  private var initializers: [String: Onnx_TensorProto] = [:]
  /// Every name that something has made, also outputs that can't be used.
  private var made: Set<String> = []
  /// How often each value is taken, by nodes and as an output of the graph.
  private var uses: [String: Int] = [:]
  private var reader: TensorReader
  /// The type of numbers that flow: ONNX's code for float or double.
  private var type: Int32 = 1
  /// How many numbers may still be made of others.
  private var constantsLeft = GraphBuilder.constantLimit

  /// The most numbers that ConstantOfShape may make, and that may be turned, scaled or spread, in all:
  /// twice those of AlexNet.
  static let constantLimit = 1 << 27

  init(_ model: ONNXModel) {
    self.model = model
    reader = TensorReader(file: model.file, folder: model.folder)
    let name = model.message.graph.name
    definition = NetworkDefinition(name: name.isEmpty ? "ONNX graph" : name, imageShape: [])
    for node in model.message.graph.node {
      for name in node.input { uses[name, default: 0] += 1 }
    }
    for output in model.message.graph.output { uses[output.name, default: 0] += 1 }
  }

  private func error(_ part: String?, _ problem: String, remedy: String? = nil) -> TensorFileError {
    FilePlace(file: model.file, part: part).error(problem, remedy: remedy)
  }

  // MARK: - Inputs and outputs

  /// Reads what the graph starts from: initializers, and inputs that are none.
  mutating func addInputs(_ shapes: [String: Shape]) throws(TensorFileError) {
    let graph = model.message.graph
    guard graph.sparseInitializer.isEmpty else {
      throw error(nil, "the graph has sparse initializers, which are not read")
    }
    for tensor in graph.initializer {
      let isNew = initializers.updateValue(tensor, forKey: tensor.name) == nil
      guard isNew, !tensor.name.isEmpty else {
        throw error(
          "initializer \"\(tensor.name)\"", "the name is empty, or another initializer has it")
      }
      made.insert(tensor.name)
    }
    var inputs: [Value] = []
    for input in graph.input where initializers[input.name] == nil {
      let part = "input \"\(input.name)\""
      guard made.insert(input.name).inserted, !input.name.isEmpty else {
        throw error(part, "the name is empty, or another input has it")
      }
      let code = input.type.tensorType.elemType
      guard code == 1 || code == 11, inputs.isEmpty || code == type else {
        throw error(
          part, "is of type \(TensorReader.name(ofType: code))",
          remedy: "networks of float or of double run; convert-weights reads the others' numbers")
      }
      type = code
      let shape = try shape(of: input, given: shapes[input.name], part)
      inputs.append(Value(name: input.name, shape: shape))
      values[input.name] = shape
    }
    guard let first = inputs.first else {
      throw error(nil, "the graph has no input that is no initializer")
    }
    guard first.shape.rank > 0 else {
      throw error("input \"\(first.name)\"", "is a single number", remedy: "it must have images")
    }
    definition.data = first.name
    batch = first.shape.images
    definition.imageShape = Array(first.shape.dimensions.dropFirst())
    definition.otherInputs = inputs.dropFirst().map {
      InputDefinition(name: $0.name, dimensions: $0.shape.dimensions)
    }
    // No value of the graph may pass for labels.
    let taken = Set(graph.input.map(\.name) + graph.node.flatMap(\.output))
    while taken.contains(definition.label) { definition.label += "_" }
  }

  /// The shape of an input: as given, if the file allows it, or as in the file.
  private func shape(
    of input: Onnx_ValueInfoProto, given: Shape?, _ part: String
  ) throws(TensorFileError) -> Shape {
    let extents = input.type.tensorType.shape.dim
    guard input.type.tensorType.hasShape || given != nil else {
      throw error(part, "has no shape in the file", remedy: "give it one")
    }
    if let given, input.type.tensorType.hasShape {
      let fits =
        extents.count == given.rank
        && zip(extents, given.dimensions).allSatisfy { extent, size in
          if case .dimValue(let number) = extent.value { Int(number) == size } else { true }
        }
      guard fits else {
        let wanted = extents.map { extent in
          if case .dimValue(let number) = extent.value { "\(number)" } else { "any" }
        }
        throw error(
          part, "is given the shape \(given)",
          remedy: "the file says \(wanted.joined(separator: "×"))")
      }
    }
    var dimensions: [Int] = given?.dimensions ?? []
    if given == nil {
      for (axis, extent) in extents.enumerated() {
        if case .dimValue(let number) = extent.value {
          dimensions.append(Int(number))
        } else {
          guard axis == 0 else {
            throw error(part, "extent \(axis) is left open in the file", remedy: "give the shape")
          }
          dimensions.append(1)
        }
      }
    }
    do {
      return try Shape(checking: dimensions)
    } catch {
      throw self.error(part, "\(error)")
    }
  }

  /// What the graph gives, when all nodes have been added.
  func outputs() throws(TensorFileError) -> [String] {
    let outputs = model.message.graph.output.map(\.name)
    for name in outputs where values[name] == nil {
      throw error("output \"\(name)\"", "no node makes it of the input")
    }
    guard !outputs.isEmpty else { throw error(nil, "the graph has no output") }
    return outputs
  }

  // MARK: - What nodes take and make

  /// Whether a name is that of something known before the graph runs.
  func isConstant(_ name: String) -> Bool { constants[name] != nil || initializers[name] != nil }

  /// The numbers of a constant; nil for a value that flows.
  mutating func constant(_ name: String) throws(TensorFileError) -> NumPyArray? {
    if let array = constants[name] { return array }
    guard let tensor = initializers[name] else { return nil }
    let place = FilePlace(file: model.file, part: "initializer \"\(name)\"")
    let array = try reader.array(of: tensor, place: place)
    constants[name] = array
    return array
  }

  /// A value that flows into a node.
  func value(_ position: Int, of node: ONNXNode) throws(TensorFileError) -> Value {
    let name = node.input(position) ?? ""
    if let shape = values[name] { return Value(name: name, shape: shape) }
    guard !isConstant(name) else {
      throw node.error("works on \"\(name)\", which is no value that flows through the network")
    }
    throw undefined(name, node)
  }

  private func undefined(_ name: String, _ node: ONNXNode) -> TensorFileError {
    made.contains(name)
      ? node.error("takes \"\(name)\", an output that is not computed here")
      : node.error(
        "takes \"\(name)\", which no node before it makes",
        remedy: "it must be an input, an initializer, or the output of an earlier node")
  }

  /// The weights or biases that a node takes: of the same type as what flows.
  mutating func parameter(_ position: Int, of node: ONNXNode) throws(TensorFileError) -> NumPyArray
  {
    let name = node.input(position) ?? ""
    let code = initializers[name]?.dataType
    guard let array = try constant(name) else {
      guard values[name] == nil else {
        throw node.error(
          "takes its parameter \"\(name)\" from another node", remedy: "it must be an initializer")
      }
      throw undefined(name, node)
    }
    let wanted: NumPyElementType = type == 11 ? .float64 : .float32
    guard array.elementType == wanted, code == nil || code == type else {
      throw node.error(
        "\"\(name)\" has numbers of type "
          + (code.map(TensorReader.name(ofType:)) ?? array.elementType.rawValue),
        remedy: "it must be \(TensorReader.name(ofType: type)), as what flows through the network")
    }
    return array
  }

  /// The whole numbers that a node takes: a shape.
  mutating func integers(_ position: Int, of node: ONNXNode) throws(TensorFileError) -> [Int] {
    let name = node.input(position) ?? ""
    guard let array = try constant(name) else {
      if values[name] != nil {
        throw node.error("takes its shape \"\(name)\" from another node")
      }
      throw undefined(name, node)
    }
    guard array.elementType == .int64, array.shape.rank == 1, array.shape.count <= 64 else {
      throw node.error("\"\(name)\" must be a list of whole numbers of type int64")
    }
    do {
      return try array.integers()
    } catch {
      throw node.error("\"\(name)\": \(error)")
    }
  }

  /// Enters the names of a node's outputs. Only the first can be used.
  mutating func define(_ node: ONNXNode) throws(TensorFileError) -> String {
    guard let first = node.message.output.first, !first.isEmpty else {
      throw node.error("has no output")
    }
    for name in node.message.output where !name.isEmpty {
      guard made.insert(name).inserted else {
        throw node.error(
          "makes \"\(name)\", which there is already", remedy: "each value has one maker")
      }
    }
    for name in node.message.output.dropFirst() where uses[name] != nil && !name.isEmpty {
      throw node.error("its output \"\(name)\" is used, but is not computed here")
    }
    return first
  }

  /// Adds the layer that a node has become.
  mutating func add(
    _ node: ONNXNode, _ specification: any LayerSpecification, of inputs: Value...,
    parameters: [NumPyArray] = []
  ) throws(TensorFileError) {
    let output = try define(node)
    values[output] = try addLayer(
      node, specification, of: inputs, makes: output, parameters, isWhole: true)
  }

  /// Adds a layer that does a part of what a node does, for the next one.
  mutating func addPart(
    _ node: ONNXNode, _ specification: any LayerSpecification, of input: Value,
    parameters: [NumPyArray] = []
  ) throws(TensorFileError) -> Value {
    let taken = definition.layers.count
    let name = "\(input.name) as \(node.name) \(node.index) takes it (\(taken))"
    return Value(
      name: name,
      shape: try addLayer(node, specification, of: [input], makes: name, parameters, isWhole: false)
    )
  }

  /// Adds a layer; what it refuses is the node's fault.
  private mutating func addLayer(
    _ node: ONNXNode, _ specification: any LayerSpecification, of inputs: [Value],
    makes output: String, _ arrays: [NumPyArray], isWhole: Bool
  ) throws(TensorFileError) -> Shape {
    let shape: Shape
    do {
      shape = try specification.outputShape(for: inputs.map(\.shape))
    } catch {
      throw node.error("\(error.value) \(error.rule)")
    }
    // Nodes may share a name, or have none. What they make has one of its own.
    var name = isWhole && !node.message.name.isEmpty ? node.message.name : output
    if layerNames.contains(name) { name += " #\(definition.layers.count)" }
    while !layerNames.insert(name).inserted { name += "_" }
    definition.layers.append(
      LayerDefinition(
        name: name, specification: specification, bottoms: inputs.map(\.name), top: output))
    parameters.append(arrays)
    origins.append(ONNXNetwork.Origin(node: node.index, name: node.name, isWhole: isWhole))
    return shape
  }

  /// Adds what a node makes without the network's input.
  mutating func add(_ node: ONNXNode, constant array: NumPyArray) throws(TensorFileError) {
    constants[try define(node)] = array
  }

  /// Takes numbers from those that may be made of others: many nodes can share a few weights.
  mutating func grant(
    _ count: Int, madeOf position: Int, _ node: ONNXNode
  ) throws(TensorFileError) {
    guard count <= constantsLeft else {
      throw node.error(
        "makes \(count) numbers of \"\(node.input(position) ?? "")\"",
        remedy: "\(Self.constantLimit) are allowed in all")
    }
    constantsLeft -= count
  }
}
