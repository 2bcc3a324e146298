import Tensors

/// Concatenation: the inputs one behind the other along an axis, that of the channels by default. All
/// other extents must agree.
///
/// Source: Caffe's `concat_layer.cpp`. The gradient is cut where the inputs were joined.
public struct ConcatSpecification: LayerSpecification {
  /// `Concat`.
  public static let typeName = "Concat"

  /// The axis along which the inputs follow one another: 0 for images, 1 for channels.
  public var axis: Int

  /// A concatenation along an axis.
  public init(axis: Int = 1) {
    self.axis = axis
  }

  /// The extents of the inputs, that of the axis added up.
  ///
  /// - Complexity: O(inputs·rank).
  public func outputShape(for inputs: [Shape]) throws(LayerError) -> Shape {
    let type = Self.typeName
    guard let first = inputs.first else {
      throw LayerError(layer: type, value: "0 inputs", rule: "must be at least 1")
    }
    try require(
      first.dimensions.indices.contains(axis), type, "axis \(axis)",
      "must be an axis of the first input \(first)")
    var dimensions = first.dimensions
    for (number, input) in inputs.enumerated().dropFirst() {
      var others = input.dimensions
      let agrees = others.count == dimensions.count
      if agrees { others[axis] = first[axis] }
      try require(
        agrees && others == first.dimensions, type, "input \(number + 1) of \(input)",
        "must have the extents of the first input \(first) but for axis \(axis)")
      dimensions[axis] += input[axis]
    }
    return try shape(of: type, "output", dimensions)
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.concat(self) }

  /// No: the gradient alone is enough.
  public var backwardReadsOutput: Bool { false }
}
