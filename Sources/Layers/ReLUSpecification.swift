import Tensors

/// A rectified linear unit: y = x, or negativeSlope·x where x < 0. The shape stays.
/// NaN stays NaN; with slope 0, −∞ becomes 0.
///
/// Source: Caffe's `relu_layer.cpp`. The derivative at exactly 0 is the negative slope.
public struct ReLUSpecification: SingleInputSpecification {
  /// `ReLU`.
  public static let typeName = "ReLU"

  /// The slope for negative inputs: 0 for a plain ReLU.
  public var negativeSlope: Double

  /// A ReLU; with a negative slope, a leaky one.
  public init(negativeSlope: Double = 0) {
    self.negativeSlope = negativeSlope
  }

  /// The input's shape.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    try require(
      negativeSlope.isFinite, Self.typeName, "negative slope \(negativeSlope)", "must be finite")
    return input
  }

  /// In place, y has to tell what the sign of x was: a negative slope below 0 would hide it.
  public var inPlaceObstacle: String? {
    negativeSlope < 0 ? "a negative slope below 0 hides the sign of the input" : nil
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.relu(self) }

  /// No: where it works out of place, the backward pass reads the input.
  public var backwardReadsOutput: Bool { false }

  /// The sign, which is that of the input.
  public var inPlaceBackwardReads: OutputUse { .signs }

  /// Yes, where it works in place.
  public var keepsSigns: Bool { negativeSlope >= 0 }
}
