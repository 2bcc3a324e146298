import Tensors

/// The hyperbolic tangent: y = tanh x, between −1 and 1. The shape stays.
///
/// Source: Caffe's `tanh_layer.cpp`. The derivative is 1 − y².
public struct TanHSpecification: SingleInputSpecification {
  /// `TanH`.
  public static let typeName = "TanH"

  /// A hyperbolic tangent.
  public init() {}

  /// The input's shape.
  public func outputShape(for input: Shape) throws(LayerError) -> Shape { input }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.tanh(self) }

  /// Nothing: the output tells the slope.
  public var inPlaceObstacle: String? { nil }
}
