import Layers
import RealModule
import Reference
import Tensors
import Workbench

/// Exercise `lrn-backward`: the backward pass of local response normalisation across channels.
///
/// The forward pass is given. With the sum over the n channels around c that exist,
/// c − ⌊n/2⌋ … c + ⌊n/2⌋:
///
///     s[c] = k + α/n · Σ in[c']²        out[c] = in[c] · s[c]^−β
///
/// for each image and position by itself. in[c] affects out[c] in two ways: it is the factor in front,
/// and it is part of s[c]. It also affects the neighbours' outputs, because in[c]² is part of their s.
/// Derive ∂L/∂in on paper from these three ways.
///
/// All tensors are N×C×H×W, element `tensor[n, c, y, x]`. A power is `Scalar.pow(base, exponent)`,
/// and `Scalar(3.5)` makes a number of a `Double`. n is `specification.localSize`, α
/// `specification.alpha`, β `specification.beta`.
///
/// Replace the `gap` with your code, then run `script/exercise lrn-backward`.
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
      gap("gradient")
    }
  }
}
