import Layers
import RealModule
import Tensors

/// A solution of exercise `softmax-loss`: softmax, and the negative logarithm of the true class's probability.
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
    let (images, classes) = (scores.shape.images, scores.shape.channels)
    var loss: Scalar = 0
    for n in 0..<images {
      let image = n * classes..<(n + 1) * classes
      var greatest = scores[image.lowerBound]
      for i in image { greatest = max(greatest, scores[i]) }
      var sum: Scalar = 0
      for i in image {
        saved.probabilities[i] = Scalar.exp(scores[i] - greatest)
        sum += saved.probabilities[i]
      }
      for i in image { saved.probabilities[i] /= sum }
      loss -= Scalar.log(saved.probabilities[n * classes + saved.labels[n]])
    }
    output[0] = loss / Scalar(Double(images))
  }

  /// Writes every element of the scores' gradient, `gradient`. ∂L/∂loss is `outputGradient[0]`.
  @specialized(where Scalar == Float)
  public func backward(
    outputGradient: Tensor<Scalar>, input scores: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      let (images, classes) = (scores.shape.images, scores.shape.channels)
      for n in 0..<images {
        for c in 0..<classes {
          let i = n * classes + c
          let target: Scalar = c == saved.labels[n] ? 1 : 0
          gradient[i] =
            outputGradient[0] * (saved.probabilities[i] - target) / Scalar(Double(images))
        }
      }
    }
  }
}
