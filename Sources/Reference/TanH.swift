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

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// Squashes each value to between −1 and 1.
  ///
  /// - Complexity: O(count).
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    output.copyElements(from: input)
    forward(inPlace: &output, context: &context, saved: &saved)
  }

  /// ∂L/∂in = ∂L/∂out · (1 − out²).
  ///
  /// - Complexity: O(count).
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gradient.copyElements(from: outputGradient)
      backward(inPlace: &gradient, output: output, saved: saved)
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
      data[i] = .tanh(data[i])
    }
  }

  /// As for `backward`, over the output's gradient: the slope follows from the output.
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
