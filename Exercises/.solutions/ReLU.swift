import Layers
import Tensors

/// A solution of exercise `relu`: the rectified linear unit.
public struct ReLU<Scalar: Tensors.Scalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification = ReLUSpecification()

  /// One that needs no numbers.
  public init() {}

  /// Writes every element of `output`.
  @specialized(where Scalar == Float)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count {
      output[i] = max(input[i], 0)
    }
  }

  /// Writes every element of `gradient`, ∂L/∂in. The gradient that comes from behind, ∂L/∂out, is
  /// `outputGradient`.
  @specialized(where Scalar == Float)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<input.count {
        gradient[i] = input[i] > 0 ? outputGradient[i] : 0
      }
    }
  }

  /// In place, as Caffe's `in_place=True` has it: `data` holds the input, and then the output.
  @specialized(where Scalar == Float)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    for i in 0..<data.count {
      data[i] = max(data[i], 0)
    }
  }

  /// `gradient` holds ∂L/∂out, and then ∂L/∂in. The input is gone: decide by the output.
  @specialized(where Scalar == Float)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    for i in 0..<output.count where !(output[i] > 0) {
      gradient[i] = 0
    }
  }
}
