import Layers
import Tensors

/// The hyperbolic tangent.
///
///     out = tanh(in) = (e^in − e^−in)/(e^in + e^−in)
///
/// Twin: `Sources/Fast/TanH.swift`. Source: Caffe's `tanh_layer.cpp`.
public struct TanH<Scalar: Tensors.Scalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: TanHSpecification

  /// The naive version of a specification.
  public init(_ specification: TanHSpecification) {
    self.specification = specification
  }

  /// Squashes each value to between −1 and 1.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    for i in 0..<data.count {
      data[i] = .tanh(data[i])
    }
  }

  /// ∂L/∂in = ∂L/∂out · (1 − out²): the slope follows from the output.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    for i in 0..<output.count {
      gradient[i] *= 1 - output[i] * output[i]
    }
  }
}
