import Layers
import Tensors

/// A solution of exercise `dropout`: in training, values are dropped at random.
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
    for i in 0..<input.count {
      factors[i] = 1
      if context.phase == .training {
        let isKept = context.random.next() <= specification.keepThreshold
        factors[i] = isKept ? Scalar(specification.scale) : 0
      }
      output[i] = input[i] * factors[i]
    }
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
      for i in 0..<gradient.count { gradient[i] = outputGradient[i] * factors[i] }
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
