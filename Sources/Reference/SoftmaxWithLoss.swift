import Layers
import RealModule
import Tensors

/// Softmax and the negative logarithm of the true class's probability.
///
///     loss = Σ −log(max(p[label], least)) / divisor, over the labels that are not ignored
///
/// Twin: `Sources/Fast/SoftmaxWithLoss.swift`. Source: Caffe's `softmax_loss_layer.cpp`.
public struct SoftmaxWithLoss<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: SoftmaxWithLossSpecification

  /// The naive version of a specification.
  public init(_ specification: SoftmaxWithLossSpecification) {
    self.specification = specification
  }

  /// What a forward pass keeps.
  public struct Saved: Sendable {
    /// Shaped like the scores.
    public var probabilities: Tensor<Scalar>
    /// The labels that the scores were compared with.
    public var labels: [Int]
  }

  /// Memory for the probabilities, shaped like the scores.
  ///
  /// - Complexity: O(count), allocating a tensor of the scores' size.
  public func makeSaved(for scores: Shape) throws(LayerError) -> Saved {
    _ = try specification.outputShape(for: scores)
    return Saved(probabilities: Tensor(scores), labels: [])
  }

  /// The formula above; keeps the probabilities.
  ///
  /// - Precondition: the specification accepts the context's labels.
  /// - Complexity: O(count): the softmax, then one logarithm for each label.
  public func forward(
    _ scores: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    var nothing = NothingSaved()
    // → Softmax.swift forward
    Softmax<Scalar>().forward(  // ← p
      scores, parameters: [], context: &context, output: &saved.probabilities, saved: &nothing)
    let (probabilities, labels) = (saved.probabilities, context.labels)
    saved.labels = labels

    let spots = ClassAxis(scores.shape)
    let least = Scalar(SoftmaxWithLossSpecification.leastProbability)
    var sum: Scalar = 0
    for (start, label) in zip(spots.starts, labels) where label != specification.ignoreLabel {
      // ← ln
      sum -= .log(max(probabilities[start + label * spots.stride], least))
    }
    // ← loss
    output[0] = sum / Scalar(specification.divisor(labels: labels, scores: scores.shape))
  }

  /// ∂L/∂x[c] = ∂L/∂loss / divisor · (p[c] − [c = label]), and 0 where the label is ignored.
  ///
  /// - Complexity: O(count).
  public func backward(
    outputGradient: Tensor<Scalar>, input scores: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let probabilities = saved.probabilities
    let spots = ClassAxis(scores.shape)
    let divisor = Scalar(specification.divisor(labels: saved.labels, scores: scores.shape))
    let factor = outputGradient[0] / divisor
    inputGradient.update { gradient in
      for (start, label) in zip(spots.starts, saved.labels) {
        for c in 0..<spots.classes {
          let position = start + c * spots.stride
          let target: Scalar = c == label ? 1 : 0  // ← ∂in label
          // ← ∂in ∂L/∂x
          gradient[position] =
            label == specification.ignoreLabel
            ? 0 : factor * (probabilities[position] - target)  // ← ∂in p
        }
      }
    }
  }
}
