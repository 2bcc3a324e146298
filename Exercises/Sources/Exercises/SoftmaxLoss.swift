import Layers
import RealModule
import Tensors
import Workbench

/// Exercise `softmax-loss`: softmax, and the negative logarithm of the true class's probability.
///
///     p[n,c] = e^(x[n,c]) / Σ_c' e^(x[n,c'])
///     loss   = −1/N · Σ_n log p[n, label[n]]
///
///     ∂loss/∂x[n,c] = (p[n,c] − [c = label[n]]) / N
///
/// where [c = label[n]] is 1 for the true class and 0 for the others. Scores x and probabilities p
/// are N×C: element (n, c) is `tensor[n * classes + c]`, N is `tensor.shape.images`, and C, the number
/// of classes, `tensor.shape.channels`.
///
/// e^1000 is infinite. p doesn't change when the same number is subtracted from all scores of an
/// image, so subtract the greatest.
///
/// e^x is `Scalar.exp(x)`, the natural logarithm `Scalar.log(p)`, and `Scalar(Double(count))` makes
/// a number of a count.
///
/// Replace each `gap` with your code, then run `script/exercise softmax-loss`.
public struct SoftmaxLoss<Scalar: Tensors.Scalar>: Loss {
  /// What describes this layer.
  public let specification = SoftmaxWithLossSpecification()

  /// One that needs no numbers.
  public init() {}

  /// Memory for the probabilities, which the forward pass keeps.
  public func makeSaved(for scores: Shape) throws(LayerError) -> Tensor<Scalar> {
    Tensor(scores)
  }

  /// Returns the loss, and writes every element of `probabilities`.
  public func forward(
    scores: Tensor<Scalar>, labels: [Int], saved probabilities: inout Tensor<Scalar>
  ) throws(LayerError) -> Scalar {
    gap("forward")
    return 0
  }

  /// Writes every element of `scoresGradient`.
  public func backward(
    labels: [Int], saved probabilities: Tensor<Scalar>, scoresGradient: inout Tensor<Scalar>
  ) {
    gap("gradient")
  }
}
