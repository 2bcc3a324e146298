import Layers
import Tensors
import Workbench

/// Exercise `relu`: the rectified linear unit.
///
///     out = max(in, 0)                  element by element
///
/// Derive ∂L/∂in. At in = 0 there is no derivative: 0 is the convention.
///
/// All tensors have the same shape: element i of `tensor.count` is `tensor[i]`.
///
/// Replace each `gap` with your code, then run `script/exercise relu`.
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
    gap("forward")
  }

  /// Writes every element of `gradient`, ∂L/∂in. The gradient of the output, ∂L/∂out, is
  /// `outputGradient`.
  @specialized(where Scalar == Float)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gap("gradient")
    }
  }

  /// In place, as Caffe's `in_place=True` has it: `data` holds the input, and then the output.
  @specialized(where Scalar == Float)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    gap("in place")
  }

  /// `gradient` holds ∂L/∂out, and then ∂L/∂in. The input is gone: decide by the output.
  @specialized(where Scalar == Float)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    gap("in place")
  }
}
