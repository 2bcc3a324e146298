import Layers
import Tensors
import Workbench

/// Exercise `dropout`: in training, values are dropped at random.
///
///     training:  out[i] = in[i] · scale   if i is kept,   0 if it is dropped
///     testing:   out[i] = in[i]
///
/// with scale = 1 / (1 − ratio), so that the expected value stays what it was. Draw one number for each
/// element, in order: i is kept if `context.random.next() <= specification.keepThreshold`. The
/// backward pass needs the same choice again, so keep it in `saved`.
///
/// Derive ∂L/∂in: the choice is made before, so it is a constant here.
///
/// Element i of `tensor.count` is `tensor[i]`. `context.phase` is `.training` or `.testing`, and the
/// scale is `Scalar(specification.scale)`.
///
/// Replace each `gap` with your code, then run `script/exercise dropout`.
public struct Dropout<Scalar: Tensors.Scalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: DropoutSpecification

  /// The share of values that are dropped.
  public init(ratio: Double) {
    specification = DropoutSpecification(ratio: ratio)
  }

  /// What each value was multiplied with: scale, 0, or 1 in testing.
  public func makeSaved(for input: Shape) throws(LayerError) -> Tensor<Scalar> { Tensor(input) }

  /// Writes every element of `output`, and of `factors` what it was multiplied with.
  @specialized(where Scalar == Float)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved factors: inout Tensor<Scalar>
  ) {
    gap("forward")
  }

  /// Writes every element of `gradient`, ∂L/∂in.
  @specialized(where Scalar == Float)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved factors: Tensor<Scalar>,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gap("gradient")
    }
  }

  /// Nothing to do here: the forward pass above, from a copy.
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout Tensor<Scalar>
  ) {
    let input = data
    forward(input, parameters: [], context: &context, output: &data, saved: &saved)
  }

  /// Nothing to do here: the backward pass above, from a copy.
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: Tensor<Scalar>
  ) {
    var result: Tensor<Scalar>? = gradient
    var none: [Tensor<Scalar>] = []
    backward(
      outputGradient: gradient, input: output, output: output, parameters: [], saved: saved,
      inputGradient: &result, parameterGradients: &none, accumulating: false)
    if let result { gradient = result }
  }
}
