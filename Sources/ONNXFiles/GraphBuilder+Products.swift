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
      throw node.error("transA turns its input, which is not run")
    }
    let input = try value(0, of: node)
    let isTurned = try node.integer("transB", default: 0) == 0
    var weights = try matrix(try parameter(1, of: node), isTurned: isTurned, input, node)
    let (alpha, beta) = (
      try node.float("alpha", default: 1), try node.float("beta", default: 1)
    )
    if alpha != 1 { try grant(weights.shape.count, madeOf: 1, node) }
    weights = weights.scaled(by: alpha)
    var parameters = [weights]
    if node.input(2) != nil, beta != 0 {
      let array = try parameter(2, of: node)
      if node.opset < 7, try node.integer("broadcast", default: 0) == 0 {
        guard array.shape.dimensions == [input.shape[0], weights.shape[0]] else {
          throw node.error("its biases \(array.shape) are to be spread, but broadcast is not 1")
        }
      }
      parameters.append(
        try spread(array, over: weights.shape[0], node).scaled(by: beta))
    }
    try addProduct(node, input, parameters)
  }

  mutating func addMatMul(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(2...2)
    try node.expectAttributes([:])
    let input = try value(0, of: node)
    try addProduct(
      node, input, [try matrix(try parameter(1, of: node), isTurned: true, input, node)])
  }

  /// The bias of a product before it: either operand of Add may be the bias.
  mutating func addBias(_ node: ONNXNode) throws(TensorFileError) {
    try node.expectInputs(2...2)
    try node.expectAttributes(
      node.opset < 7 ? ["broadcast": 1, "axis": 1, "consumed_inputs": 1] : [:])
    let position = isConstant(node.input(0) ?? "") ? 0 : 1
    let sum = try value(1 - position, of: node)
    guard isConstant(node.input(position) ?? "") else {
      _ = try value(position, of: node)
      throw node.error(
        "adds two values of the network", remedy: "only the bias behind a MatMul is run")
    }
    let array = try parameter(position, of: node)
    if node.opset < 7, try node.integer("broadcast", default: 0) == 0, array.shape != sum.shape {
      throw node.error("its biases \(array.shape) are to be spread, but broadcast is not 1")
    }
    let axis = try node.integer("axis", default: -1)
    guard axis == -1 || axis == 1, try addBias(array, toMakerOf: sum, node) else {
      throw node.error(
        "adds \"\(node.input(position) ?? "")\" to something else than a MatMul without a bias")
    }
  }

  private mutating func addProduct(
    _ node: ONNXNode, _ input: Value, _ parameters: [NumPyArray]
  ) throws(TensorFileError) {
    let specification = InnerProductSpecification(
      outputs: parameters[0].shape[0], hasBias: parameters.count == 2)
    try add(
      node, .innerProduct(specification), of: input,
      makes: try output(of: specification, input, node), parameters)
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

  /// A bias spread over the outputs: N, 1 × N, 1 or a scalar.
  mutating func spread(
    _ array: NumPyArray, over outputs: Int, _ node: ONNXNode
  ) throws(TensorFileError) -> NumPyArray {
    let extents = array.shape.dimensions.drop { $0 == 1 }
    let isSingle = array.shape.count == 1
    guard array.shape.rank <= 2, isSingle || extents == [outputs] else {
      throw node.error(
        "its biases have the shape \(array.shape)",
        remedy: "one for all \(outputs) outputs is run, or one for each")
    }
    try grant(outputs, madeOf: node.message.input.count - 1, node)
    return array.spread(over: outputs)
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
  fileprivate func spread(over count: Int) -> NumPyArray {
    func spread<Element: Scalar>(_ tensor: Tensor<Element>) -> Tensor<Element> {
      let elements = tensor.elements
      return Tensor(
        Shape(count),
        elements.count == count ? elements : [Element](repeating: elements[0], count: count))
    }
    return map(spread, spread)
  }
}
