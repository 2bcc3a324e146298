import Tensors

/// The logistic sigmoid: y = 1/(1 + e^−x), between 0 and 1. The shape stays.
///
/// Source: Caffe's `sigmoid_layer.cpp`, which computes it as ½·tanh(½·x) + ½, as is done here: no
/// power overflows. The derivative is y·(1 − y).
public struct SigmoidSpecification: SingleInputSpecification {
  /// `Sigmoid`.
  public static let typeName = "Sigmoid"

  /// A sigmoid.
  public init() {}

  /// The input's shape.
  public func outputShape(for input: Shape) throws(LayerError) -> Shape { input }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.sigmoid(self) }

  /// Nothing: the output tells the slope.
  public var inPlaceObstacle: String? { nil }
}
