import Tensors

/// Dropout: in training each value becomes 0 with probability `ratio` and is otherwise divided by
/// 1 − ratio; in testing nothing changes. The shape stays.
///
/// Source: Caffe's `dropout_layer.cpp`. Value i is kept when output i of the Mersenne Twister is
/// at most (1 − ratio)·(2³² − 1).
public struct DropoutSpecification: SingleInputSpecification {
  /// `Dropout`.
  public static let typeName = "Dropout"

  /// The share of values that is dropped: 0 switches dropout off, but for its random numbers.
  public var ratio: Double

  /// Dropout with Caffe's default.
  public init(ratio: Double = 0.5) {
    self.ratio = ratio
  }

  /// The factor of the values that are kept: 1 / (1 − ratio).
  public var scale: Double { 1 / (1 - ratio) }

  /// The largest random number for which a value is kept.
  public var keepThreshold: UInt32 { UInt32((1 - ratio) * Double(UInt32.max)) }

  /// The input's shape.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    try require(
      ratio >= 0 && ratio < 1, Self.typeName, "ratio \(ratio)",
      "must be at least 0 and less than 1")
    return input
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.dropout(self) }

  /// Nothing: the mask tells what was dropped.
  public var inPlaceObstacle: String? { nil }

  /// No: the mask is enough.
  public var backwardReadsOutput: Bool { false }

  /// Nothing: the mask is enough.
  public var inPlaceBackwardReads: OutputUse { .nothing }

  /// Yes: what is dropped passes no gradient on.
  public var keepsSigns: Bool { true }
}
