import Layers
import Tensors

/// The logistic sigmoid.
///
///     out = 1/(1 + e^−in) = ½·tanh(½·in) + ½
///
/// Twin: `Sources/Fast/Sigmoid.swift`. Source: Caffe's `sigmoid_layer.cpp`.
public struct Sigmoid<Scalar: Tensors.Scalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: SigmoidSpecification

  /// The naive version of a specification.
  public init(_ specification: SigmoidSpecification) {
    self.specification = specification
  }

  /// Squashes each value to between 0 and 1.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    let half = Scalar(0.5)
    for i in 0..<data.count {
      data[i] = half * .tanh(half * data[i]) + half
    }
  }

  /// ∂L/∂in = ∂L/∂out · out·(1 − out): the slope follows from the output.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    for i in 0..<output.count {
      gradient[i] *= output[i] * (1 - output[i])
    }
  }
}
