import Tensors

/// An inner product, or fully connected layer: y = W·x + b for each image.
///
/// Source: Caffe's `inner_product_layer.cpp`. The axes from `axis` on are flattened in row-major
/// order (C, H, W) into D inputs; output the axes before `axis` × K, weights K×D, bias K.
public struct InnerProductSpecification: SingleInputSpecification {
  /// `InnerProduct`.
  public static let typeName = "InnerProduct"

  /// K, the number of outputs.
  public var outputs: Int
  /// Whether a constant is added to each output.
  public var hasBias: Bool
  /// The first axis that is flattened.
  public var axis: Int

  /// An inner product with Caffe's defaults.
  public init(outputs: Int, hasBias: Bool = true, axis: Int = 1) {
    self.outputs = outputs
    self.hasBias = hasBias
    self.axis = axis
  }

  /// D, the length of the vectors that are multiplied.
  ///
  /// - Complexity: O(rank).
  public func inputs(for input: Shape) -> Int {
    input.dimensions.dropFirst(axis).reduce(1, *)
  }

  /// The axes before `axis`, then K.
  ///
  /// - Complexity: O(rank).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    let type = Self.typeName
    try requireSize(outputs, atLeast: 1, type, "outputs")
    try require(
      (0..<max(input.rank, 1)).contains(axis), type, "axis \(axis)",
      "must be an axis of the input \(input)")
    let inputs = inputs(for: input)
    try require(inputs >= 1, type, "input \(input)", "must hold at least 1 value from axis \(axis)")
    try require32Bits(inputs, type, "input \(input)", "values from axis \(axis)")
    let vectors = input.dimensions.prefix(axis).reduce(1, *)
    try require32Bits(vectors, type, "input \(input)", "vectors before axis \(axis)")
    return try shape(of: type, "output", input.dimensions.prefix(axis) + [outputs])
  }

  /// Weights K×D, and a bias of K unless left out.
  ///
  /// - Complexity: O(rank).
  public func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] {
    _ = try outputShape(for: input)
    let type = Self.typeName
    let weights = try shape(of: type, "weights", [outputs, inputs(for: input)])
    let bias = try shape(of: type, "bias", [outputs])
    return [ParameterSpecification(name: "weights", shape: weights)]
      + (hasBias ? [ParameterSpecification(name: "bias", shape: bias)] : [])
  }

  /// One for each weight and image.
  ///
  /// - Complexity: O(rank).
  public func multiplyAccumulates(for input: Shape) throws(LayerError) -> Int {
    let output = try outputShape(for: input)
    return try shape(of: Self.typeName, "work", output.dimensions + [inputs(for: input)]).count
  }

  /// The whole input, in one window.
  public func window(for input: Shape) throws(LayerError) -> Window? {
    Window(extent: Extent(height: input.height, width: input.width), stride: 1)
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.innerProduct(self) }

  /// No: the backward pass reads the input.
  public var backwardReadsOutput: Bool { false }
}
