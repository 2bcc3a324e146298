import Layers
import NumPyFiles
import ONNXMessages
import TensorFiles
import Tensors

extension GraphBuilder {
  /// Adds a node.
  mutating func add(_ node: ONNXNode) throws(TensorFileError) {
    guard ONNXModel.isOwnDomain(node.message.domain) else {
      throw node.error(
        "is an operator of the domain \"\(node.message.domain)\"", remedy: "only ONNX's own run")
    }
    switch node.message.opType {
    case "Conv": try addConvolution(node)
    case "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool": try addPooling(node)
    case "Relu": try addReLU(node)
    case "LRN": try addLRN(node)
    case "Dropout": try addDropout(node)
    case "Softmax": try addSoftmax(node)
    case "Gemm": try addGemm(node)
    case "MatMul": try addMatMul(node)
    case "Add": try addSum(node)
    case "Flatten", "Reshape", "Identity": try addView(node)
    case "Pad": try addBorder(node)
    case "Constant": try addConstant(node)
    case "ConstantOfShape": try addConstantOfShape(node)
    case "QLinearConv", "QuantizeLinear", "DequantizeLinear", "QLinearMatMul", "ConvInteger":
      throw node.error(
        "belongs to a quantised network, which is not run",
        remedy: "take the file of the network in float, without -int8 or -qdq in its name")
    default:
      throw node.error(
        "this operator is not run",
        remedy: "those of AlexNet are: Conv, MaxPool, AveragePool, GlobalMaxPool, "
          + "GlobalAveragePool, Relu, LRN, Dropout, Softmax, Gemm, MatMul and Add, Flatten, Reshape, "
          + "Identity, Pad, Constant, ConstantOfShape")
    }
  }

  // MARK: - Layers without parameters

  private mutating func addReLU(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(1...1)
    try node.expectAttributes(["consumed_inputs": 1])
    try add(node, ReLUSpecification(), of: try value(0, of: node))
  }

  /// y = x / (bias + alpha/size · Σ x²)^beta, Caffe's convention.
  private mutating func addLRN(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(1...1)
    try node.expectAttributes(["size": 1, "alpha": 1, "beta": 1, "bias": 1])
    guard try node.attribute("size", .int) != nil else { throw node.error("has no size") }
    let input = try value(0, of: node)
    let specification = LRNSpecification(
      localSize: try node.integer("size", default: 0),
      alpha: try node.float("alpha", default: 1e-4), beta: try node.float("beta", default: 0.75),
      k: try node.float("bias", default: 1))
    try add(node, specification, of: input)
  }

  /// The identity in inference; the ratio is kept for those who train.
  private mutating func addDropout(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(1...(node.opset < 12 ? 1 : 3))
    try node.expectAttributes(
      node.opset < 12 ? ["ratio": 1, "is_test": 1, "consumed_inputs": 1] : ["seed": 12])
    let input = try value(0, of: node)
    var ratio = try node.float("ratio", default: 0.5)
    if node.opset < 7, try node.integer("is_test", default: 0) == 0 {
      throw node.error("is_test is 0: exported in training mode, it drops values at random")
    }
    if node.input(1) != nil {
      let number = try parameter(1, of: node)
      guard number.shape.count == 1 else { throw node.error("the ratio is no single number") }
      ratio = number.tensor(as: Double.self).elements[0]
    }
    if let name = node.input(2) {
      guard let mode = try constant(name), mode.elementType == .bool, mode.shape.count == 1,
        mode.tensor(as: Double.self).elements[0] == 0
      else {
        throw node.error(
          "training_mode is true, or not known: exported in training mode, it drops values at random",
          remedy: "export the network in evaluation mode: model.eval()")
      }
    }
    guard ratio != 0 else { return try add(node, ViewSpecification(.identity), of: input) }
    try add(node, DropoutSpecification(ratio: ratio), of: input)
  }

  /// Until opset 12 all axes from `axis` on are one; from 13 on it is along `axis` alone. Where that isn't
  /// Caffe's softmax over channels, it is that of another view.
  private mutating func addSoftmax(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(1...1)
    try node.expectAttributes(["axis": 1])
    let input = try value(0, of: node)
    let shape = input.shape
    let given = try node.integer("axis", default: node.opset < 13 ? 1 : -1)
    let axis = given < 0 && node.opset >= 11 ? given + shape.rank : given
    guard shape.dimensions.indices.contains(axis), shape.count > 0 else {
      throw node.error("axis \(given) is none of \(shape)")
    }
    let end = node.opset < 13 ? shape.rank : axis + 1
    let spread = shape.dimensions[axis..<end].reduce(1, *)
    guard axis != 1 || spread != shape[1] else {
      return try add(node, SoftmaxSpecification(), of: input)
    }
    // Before, along, and behind the axes that sum to 1; the number of images is left open.
    let inner = shape.dimensions[end...].reduce(1, *)
    let extents = axis == 0 ? [1, -1, inner] : [-1, spread, inner]
    let view = try addPart(
      node, ViewSpecification(.reshape(extents, zeroCopies: false)), of: input)
    let softmax = try addPart(node, SoftmaxSpecification(), of: view)
    let back = [-1] + shape.dimensions.dropFirst()
    try add(node, ViewSpecification(.reshape(back, zeroCopies: false)), of: softmax)
  }

  // MARK: - Views and constants

  private mutating func addView(_ node: ONNXNode) throws(TensorFileError) {
    let name = node.input(0) ?? ""
    // Weights can be reshaped, too.
    if let array = try constant(name) {
      let shape: Shape
      do {
        shape = try ViewSpecification(try viewRule(node, of: array.shape))
          .outputShape(for: array.shape)
      } catch let error as LayerError {
        throw node.error("\(error.value) \(error.rule)")
      } catch let error as TensorFileError {
        throw error
      } catch {
        throw node.error("\(error)")
      }
      let view = NumPyArray(shape: shape, elementType: array.elementType, bytes: array.bytes)
      return try add(node, constant: view)
    }
    let input = try value(0, of: node)
    var rule = try viewRule(node, of: input.shape)
    // A fixed number of images is that of the file: for others, it is theirs.
    if case .reshape(var extents, let zeroCopies) = rule, !extents.contains(-1),
      extents.first == input.shape.images, extents.count > 1, input.shape.count > 0,
      (try? ViewSpecification(rule).outputShape(for: input.shape)) != nil
    {
      extents[0] = -1
      rule = .reshape(extents, zeroCopies: zeroCopies)
    }
    try add(node, ViewSpecification(rule), of: input)
  }

  private mutating func viewRule(
    _ node: ONNXNode, of shape: Shape
  ) throws(TensorFileError) -> ViewSpecification.Rule {
    switch node.message.opType {
    case "Flatten":
      try node.expectInputs(1...1)
      try node.expectAttributes(["axis": 1])
      let given = try node.integer("axis", default: 1)
      return .flatten(axis: given < 0 && node.opset >= 11 ? given + shape.rank : given)
    case "Reshape":
      let extents: [Int]
      if node.opset < 5 {
        try node.expectInputs(1...1)
        try node.expectAttributes(["shape": 1, "consumed_inputs": 1])
        extents = try node.attribute("shape", .ints)?.ints.map(Int.init) ?? []
      } else {
        try node.expectInputs(2...2)
        try node.expectAttributes(["allowzero": 14])
        extents = try integers(1, of: node)
      }
      return .reshape(extents, zeroCopies: try node.integer("allowzero", default: 0) == 0)
    default:
      try node.expectInputs(1...1)
      try node.expectAttributes([:])
      return .identity
    }
  }

  private mutating func addConstant(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(0...0)
    try node.expectAttributes([
      "value": 1, "value_int": 12, "value_ints": 12, "value_float": 12, "value_floats": 12,
    ])
    guard node.message.attribute.count == 1 else { throw node.error("needs one value") }
    if let tensor = try node.attribute("value", .tensor)?.t {
      var reader = TensorReader(file: model.file, folder: model.folder)
      try add(node, constant: try reader.array(of: tensor, place: node.place))
    } else if let numbers = try node.attribute("value_ints", .ints)?.ints {
      try add(node, constant: NumPyArray(numbers.map(Int.init)))
    } else if let number = try node.attribute("value_int", .int)?.i {
      let array = NumPyArray([Int(number)])
      try add(
        node, constant: NumPyArray(shape: Shape(), elementType: .int64, bytes: array.bytes))
    } else if let numbers = try node.attribute("value_floats", .floats)?.floats {
      try add(node, constant: NumPyArray(Tensor(Shape(numbers.count), numbers)))
    } else {
      let number = try node.attribute("value_float", .float)?.f ?? 0
      try add(node, constant: NumPyArray(Tensor(Shape(), [number])))
    }
  }

  private mutating func addConstantOfShape(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(1...1)
    try node.expectAttributes(["value": 9])
    let extents = try integers(0, of: node)
    let shape: Shape
    do {
      shape = try Shape(checking: extents)
    } catch {
      throw node.error("\(error)")
    }
    try grant(shape.count, madeOf: 0, node)
    var value = NumPyArray(Tensor<Float>(Shape(), [0]))
    if let tensor = try node.attribute("value", .tensor)?.t {
      var reader = TensorReader(file: model.file, folder: model.folder)
      value = try reader.array(of: tensor, place: node.place)
    }
    guard value.shape.count == 1 else { throw node.error("its value is no single number") }
    var bytes = value.bytes
    let size = shape.count * bytes.count
    bytes.reserveCapacity(size)
    while bytes.count < size { bytes += bytes.prefix(size - bytes.count) }
    try add(
      node,
      constant: NumPyArray(
        shape: shape, elementType: value.elementType, bytes: size == 0 ? [] : bytes))
  }
}
