import Layers
import NumPyFiles
import TensorFiles
import Tensors

extension GraphBuilder {
  /// Y = alpha · A · B' + beta · C.
  mutating func addGemm(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs((node.opset < 11 ? 3 : 2)...3)
    try node.expectAttributes(["alpha": 1, "beta": 1, "transA": 1, "transB": 1, "broadcast": 1])
    guard try node.integer("transA", default: 0) == 0 else {
      throw node.error(
        "transA is 1: it turns its input, so that images lie in columns", remedy: "only 0 is run")
    }
    let input = try value(0, of: node)
    let isTurned = try node.integer("transB", default: 0) == 0
    var weights = try matrix(try parameter(1, of: node), isTurned: isTurned, input, node)
    let (alpha, beta) = (
      try node.float("alpha", default: 1), try node.float("beta", default: 1)
    )
    if alpha != 1 { try grant(weights.shape.count, madeOf: 1, node) }
    weights = weights.scaled(by: alpha)
    let outputs = weights.shape[0]
    let product = InnerProductSpecification(outputs: outputs, hasBias: false)
    guard node.input(2) != nil, beta != 0 else {
      return try add(node, product, of: input, parameters: [weights])
    }
    let array = try parameter(2, of: node)
    let whole = [input.shape[0], outputs]
    if node.opset < 7, try node.integer("broadcast", default: 0) == 0 {
      guard array.shape.dimensions == whole else {
        throw node.error("its biases \(array.shape) are to be spread, but broadcast is not 1")
      }
    }
    // One for all outputs, or one for each: those of a layer. Others are added behind it.
    if array.shape.rank <= 2,
      array.shape.count == 1 || array.shape.dimensions.drop(while: { $0 == 1 }) == [outputs]
    {
      try grant(outputs, madeOf: 2, node)
      let bias = array.spread(over: outputs).scaled(by: beta)
      return try add(
        node, InnerProductSpecification(outputs: outputs), of: input, parameters: [weights, bias])
    }
    guard array.shape.rank == 2, [1, outputs].contains(array.shape[1]),
      array.shape[0] == input.shape[0]
    else {
      throw node.error(
        "its biases have the shape \(array.shape)",
        remedy: "they are spread to \(whole[0])×\(outputs)")
    }
    let sum = try addPart(node, product, of: input, parameters: [weights])
    try grant(array.shape.count, madeOf: 2, node)
    try add(
      node, AddSpecification(constant: array.shape), of: sum, parameters: [array.scaled(by: beta)])
  }

  mutating func addMatMul(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(2...2)
    try node.expectAttributes([:])
    let input = try value(0, of: node)
    let weights = try matrix(try parameter(1, of: node), isTurned: true, input, node)
    try add(
      node, InnerProductSpecification(outputs: weights.shape[0], hasBias: false), of: input,
      parameters: [weights])
  }

  /// Two values of the network, or one and a constant: the bias behind a MatMul, as a rule.
  mutating func addSum(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(2...2)
    try node.expectAttributes(
      node.opset < 7 ? ["broadcast": 1, "axis": 1, "consumed_inputs": 1] : [:])
    let constants = [0, 1].filter { isConstant(node.input($0) ?? "") }
    guard let position = constants.first else {
      let (first, second) = (try value(0, of: node), try value(1, of: node))
      try requireSpreading(first.shape, second.shape, node)
      return try add(node, AddSpecification(), of: first, second)
    }
    let input = try value(1 - position, of: node)
    let array = try parameter(position, of: node)
    try requireSpreading(input.shape, array.shape, node)
    try add(node, AddSpecification(constant: array.shape), of: input, parameters: [array])
  }

  /// Until opset 6, the second operand is repeated only if the node says so, along the last axes unless
  /// it says which.
  private func requireSpreading(
    _ first: Shape, _ second: Shape, _ node: ONNXNode
  ) throws(TensorFileError) {
    guard node.opset < 7, first != second else { return }
    guard try node.integer("broadcast", default: 0) == 1 else {
      throw node.error("its operands are \(first) and \(second), but broadcast is not 1")
    }
    let last = first.rank - second.rank
    guard [-1, last].contains(try node.integer("axis", default: -1)) else {
      throw node.error(
        "repeats its second operand along other axes than the last", remedy: "axis \(last) is run")
    }
  }

  /// Weights as outputs × inputs.
  private mutating func matrix(
    _ array: NumPyArray, isTurned: Bool, _ input: Value, _ node: ONNXNode
  ) throws(TensorFileError) -> NumPyArray {
    guard input.shape.rank == 2, array.shape.rank == 2 else {
      throw node.error(
        "multiplies \(input.shape) by \(array.shape)", remedy: "both must have two axes")
    }
    let inputs = array.shape[isTurned ? 0 : 1]
    guard inputs == input.shape[1] else {
      throw node.error(
        "its input has \(input.shape[1]) numbers an image, its weights \(array.shape) take \(inputs)"
      )
    }
    guard isTurned else { return array }
    try grant(array.shape.count, madeOf: 1, node)
    return array.transposed()
  }
}

extension NumPyArray {
  /// The same in either precision.
  private func map(
    _ float: (Tensor<Float>) -> Tensor<Float>, _ double: (Tensor<Double>) -> Tensor<Double>
  ) -> NumPyArray {
    elementType == .float64
      ? NumPyArray(double(tensor(as: Double.self))) : NumPyArray(float(tensor(as: Float.self)))
  }

  /// Each number times a factor.
  fileprivate func scaled(by factor: Double) -> NumPyArray {
    func scale<Element: Scalar>(_ tensor: Tensor<Element>) -> Tensor<Element> {
      Tensor(tensor.shape, tensor.elements.map { $0 * Element(factor) })
    }
    return factor == 1 ? self : map(scale, scale)
  }

  /// A matrix with rows and columns exchanged.
  fileprivate func transposed() -> NumPyArray {
    let (rows, columns) = (shape[0], shape[1])
    func transpose<Element: Scalar>(_ tensor: Tensor<Element>) -> Tensor<Element> {
      var elements: [Element] = []
      elements.reserveCapacity(tensor.count)
      for column in 0..<columns {
        for row in 0..<rows { elements.append(tensor.elements[row * columns + column]) }
      }
      return Tensor(Shape(columns, rows), elements)
    }
    return map(transpose, transpose)
  }

  /// A vector of so many numbers, of these or of the one that there is.
  func spread(over count: Int) -> NumPyArray {
    func spread<Element: Scalar>(_ tensor: Tensor<Element>) -> Tensor<Element> {
      let elements = tensor.elements
      return Tensor(
        Shape(count),
        elements.count == count ? elements : [Element](repeating: elements[0], count: count))
    }
    return map(spread, spread)
  }
}
