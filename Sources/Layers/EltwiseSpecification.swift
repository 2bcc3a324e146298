import Tensors

/// Sum, product or maximum of several inputs of one shape, element by element.
///
/// Source: Caffe's `eltwise_layer.cpp`. Of equal maxima the second of the first two inputs wins, and
/// after that the earlier one; it alone receives the gradient.
public struct EltwiseSpecification: LayerSpecification {
  /// `Eltwise`.
  public static let typeName = "Eltwise"

  /// What is made of the inputs' elements.
  public enum Operation: String, Hashable, Sendable, CaseIterable {
    /// Σ coefficient·x.
    case sum
    /// Π x.
    case product
    /// The greatest.
    case maximum
  }

  /// Sum, product or maximum.
  public var operation: Operation
  /// The factor of each input in a sum; empty where all are 1.
  public var coefficients: [Double]
  /// Whether the gradient of a product multiplies the other inputs, which is right for zeros too. If
  /// not, it divides the output by the input, which is faster for many inputs and gives NaN at 0.
  public var hasStableProductGradient: Bool

  /// A sum, product or maximum, with Caffe's defaults.
  public init(
    _ operation: Operation = .sum, coefficients: [Double] = [],
    hasStableProductGradient: Bool = true
  ) {
    self.operation = operation
    self.coefficients = coefficients
    self.hasStableProductGradient = hasStableProductGradient
  }

  /// The inputs' shape.
  ///
  /// - Complexity: O(inputs·rank).
  public func outputShape(for inputs: [Shape]) throws(LayerError) -> Shape {
    let type = Self.typeName
    guard let first = inputs.first, inputs.count >= 2 else {
      throw LayerError(layer: type, value: "\(inputs.count) inputs", rule: "must be at least 2")
    }
    try require(
      inputs.count <= Int(Int32.max), type, "\(inputs.count) inputs", "must be at most 2^31 - 1")
    for (number, input) in inputs.enumerated() {
      try require(
        input == first, type, "input \(number + 1) of \(input)",
        "must have the shape of the first input \(first)")
    }
    try require(
      coefficients.isEmpty || operation == .sum, type, "\(coefficients.count) coefficients",
      "are possible for a sum only")
    try require(
      coefficients.isEmpty || coefficients.count == inputs.count, type,
      "\(coefficients.count) coefficients", "must be \(inputs.count), one for each input")
    for coefficient in coefficients {
      try require(coefficient.isFinite, type, "coefficient \(coefficient)", "must be finite")
    }
    return first
  }

  /// The factor of an input in a sum.
  public func coefficient(_ input: Int) -> Double {
    coefficients.isEmpty ? 1 : coefficients[input]
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.eltwise(self) }

  /// Only where the gradient of a product divides the output by the input.
  public var backwardReadsOutput: Bool { operation == .product && !hasStableProductGradient }
}
