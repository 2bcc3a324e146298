import Layers
import RealModule
import Tensors

/// A solution of exercise `softmax-loss`: softmax, and the negative logarithm of the true class's probability.
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
    let (images, classes) = (scores.shape.images, scores.shape.channels)
    var loss: Scalar = 0
    for n in 0..<images {
      let image = n * classes..<(n + 1) * classes
      var greatest = scores[image.lowerBound]
      for i in image { greatest = max(greatest, scores[i]) }
      var sum: Scalar = 0
      for i in image {
        probabilities[i] = Scalar.exp(scores[i] - greatest)
        sum += probabilities[i]
      }
      for i in image { probabilities[i] /= sum }
      loss -= Scalar.log(probabilities[n * classes + labels[n]])
    }
    return loss / Scalar(Double(images))
  }

  /// Writes every element of `scoresGradient`.
  public func backward(
    labels: [Int], saved probabilities: Tensor<Scalar>, scoresGradient: inout Tensor<Scalar>
  ) {
    let (images, classes) = (probabilities.shape.images, probabilities.shape.channels)
    for n in 0..<images {
      for c in 0..<classes {
        let target: Scalar = c == labels[n] ? 1 : 0
        scoresGradient[n * classes + c] =
          (probabilities[n * classes + c] - target) / Scalar(Double(images))
      }
    }
  }
}
