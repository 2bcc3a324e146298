import Layers
import Tensors

/// The rectified linear unit.
///
///     out = in        where in ≥ 0, or in is NaN
///     out = slope·in  where in < 0; with slope 0 that is 0, for −∞ too
///
/// Twin: `Sources/Fast/ReLU.swift`. Source: Caffe's `relu_layer.cpp`.
public struct ReLU<Scalar: Tensors.Scalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: ReLUSpecification

  /// The naive version of a specification.
  public init(_ specification: ReLUSpecification) {
    self.specification = specification
  }

  /// Keeps what is positive.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count {
      output[i] = rectified(input[i])
    }
  }

  /// ∂L/∂in = ∂L/∂out where in > 0, else slope·∂L/∂out.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let slope = Scalar(specification.negativeSlope)
    inputGradient.update { gradient in
      for i in 0..<input.count {
        gradient[i] = input[i] > 0 ? outputGradient[i] : slope * outputGradient[i]
      }
    }
  }

  /// As for `forward`, over the input.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    for i in 0..<data.count {
      data[i] = rectified(data[i])  // ← out
    }
  }

  /// out > 0 exactly where in > 0, so the output tells as much as the input did.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    let slope = Scalar(specification.negativeSlope)
    for i in 0..<output.count where !(output[i] > 0) {  // ← ∂in in
      gradient[i] *= slope  // ← ∂in ∂L/∂in, ∂L/∂out
    }
  }

  private func rectified(_ x: Scalar) -> Scalar {
    if x < 0 {  // ← in
      return specification.negativeSlope == 0 ? 0 : Scalar(specification.negativeSlope) * x
    }
    return x
  }
}
