import Layers
import RealModule
import Reference
import Tensors

/// A solution of exercise `lrn-backward`: the backward pass of local response normalisation across channels.
public struct LRN<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: LRNSpecification

  /// n, α, β and k of the formula.
  public init(localSize: Int, alpha: Double, beta: Double, k: Double) {
    specification = LRNSpecification(localSize: localSize, alpha: alpha, beta: beta, k: k)
  }

  /// Memory for s, which the forward pass keeps: as large as the input.
  public func makeSaved(for input: Shape) throws(LayerError) -> Tensor<Scalar> {
    Tensor(input)
  }

  /// Given.
  @specialized(where Scalar == Float)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved s: inout Tensor<Scalar>
  ) {
    Reference.LRN(specification).forward(
      input, parameters: parameters, context: &context, output: &output, saved: &s)
  }

  /// Writes every element of `gradient`, ∂L/∂in.
  @specialized(where Scalar == Float)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved s: Tensor<Scalar>,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      let shape = input.shape
      let reach = specification.localSize / 2
      let beta = Scalar(specification.beta)
      let factor = Scalar(
        2 * specification.alpha * specification.beta / Double(specification.localSize))
      for n in 0..<shape.images {
        for c in 0..<shape.channels {
          for y in 0..<shape.height {
            for x in 0..<shape.width {
              var sum: Scalar = 0
              for other in max(c - reach, 0)...min(c + reach, shape.channels - 1) {
                sum += outputGradient[n, other, y, x] * output[n, other, y, x] / s[n, other, y, x]
              }
              gradient[n, c, y, x] =
                outputGradient[n, c, y, x] * Scalar.pow(s[n, c, y, x], -beta)
                - factor * input[n, c, y, x] * sum
            }
          }
        }
      }
    }
  }
}
