import Layers
import RealModule
import Tensors
import Workbench

/// Exercise `softmax-loss`: softmax, and the negative logarithm of the true class's probability.
///
///     p[n,c] = e^(x[n,c]) / Σ_c' e^(x[n,c'])
///     loss   = −1/N · Σ_n log p[n, label[n]]
///
/// Scores x and probabilities p are N×C: element (n, c) is `tensor[n * classes + c]`, N is
/// `tensor.shape.images`, and C, the number of classes, `tensor.shape.channels`.
///
/// Derive ∂loss/∂x[n,c] on paper. Begin with log p[n, label[n]] as a difference of two terms. The
/// result is surprisingly short.
///
/// e^1000 is infinite. p doesn't change when the same number is subtracted from all scores of an
/// image, so subtract the greatest.
///
/// e^x is `Scalar.exp(x)`, the natural logarithm `Scalar.log(p)`, and `Scalar(Double(count))` makes
/// a number of a count.
///
/// Replace each `gap` with your code, then run `script/exercise softmax-loss`.
public struct SoftmaxLoss<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification = SoftmaxWithLossSpecification()

  /// One that needs no numbers.
  public init() {}

  /// What the forward pass keeps.
  public struct Saved: Sendable {
    /// p, shaped like the scores.
    public var probabilities: Tensor<Scalar>
    /// The true class of each image.
    public var labels: [Int]
  }

  /// Memory for what the forward pass keeps.
  public func makeSaved(for scores: Shape) throws(LayerError) -> Saved {
    Saved(probabilities: Tensor(scores), labels: [])
  }

  /// Writes the loss into `output[0]`, and every element of `saved.probabilities`.
  @specialized(where Scalar == Float)
  public func forward(
    _ scores: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    saved.labels = context.labels
    gap("forward")
  }

  /// Writes every element of the scores' gradient, `gradient`. ∂L/∂loss is `outputGradient[0]`.
  @specialized(where Scalar == Float)
  public func backward(
    outputGradient: Tensor<Scalar>, input scores: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gap("gradient")
    }
  }
}
