import Layers
import RealModule
import Tensors

/// Softmax and the negative logarithm of the true class's probability.
///
///     loss = Σ −log(max(p[label], least)) / divisor, over the labels that are not ignored
///
/// Twin: `Sources/Fast/SoftmaxWithLoss.swift`. Source: Caffe's `softmax_loss_layer.cpp`.
public struct SoftmaxWithLoss<Scalar: Tensors.Scalar>: Loss {
  /// What describes this layer.
  public let specification: SoftmaxWithLossSpecification

  /// The naive version of a specification.
  public init(_ specification: SoftmaxWithLossSpecification) {
    self.specification = specification
  }

  /// Memory for the probabilities, shaped like the scores.
  ///
  /// - Complexity: O(count), allocating a tensor of the scores' size.
  public func makeSaved(for scores: Shape) throws(LayerError) -> Tensor<Scalar> {
    _ = try specification.outputShape(for: scores)
    return Tensor(scores)
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// The formula above; keeps the probabilities.
  ///
  /// - Complexity: O(count): the softmax, then one logarithm for each label.
  public func forward(
    scores: Tensor<Scalar>, labels: [Int], saved probabilities: inout Tensor<Scalar>
  ) throws(LayerError) -> Scalar {
    try specification.check(labels: labels, for: scores.shape)
    var context = RunContext()
    var nothing = NothingSaved()
    Softmax<Scalar>().forward(
      scores, parameters: [], context: &context, output: &probabilities, saved: &nothing)

    let spots = ClassAxis(scores.shape)
    let least = Scalar(SoftmaxWithLossSpecification.leastProbability)
    var sum: Scalar = 0
    for (start, label) in zip(spots.starts, labels) where label != specification.ignoreLabel {
      sum -= .log(max(probabilities[start + label * spots.stride], least))
    }
    return sum / Scalar(specification.divisor(labels: labels, scores: scores.shape))
  }

  /// ∂L/∂x[c] = lossWeight/divisor · (p[c] − [c = label]), and 0 where the label is ignored.
  ///
  /// - Complexity: O(count).
  public func backward(
    labels: [Int], saved probabilities: Tensor<Scalar>, scoresGradient: inout Tensor<Scalar>
  ) {
    let spots = ClassAxis(probabilities.shape)
    let factor = Scalar(
      specification.lossWeight
        / specification.divisor(labels: labels, scores: probabilities.shape))
    for (start, label) in zip(spots.starts, labels) {
      for c in 0..<spots.classes {
        let position = start + c * spots.stride
        let target: Scalar = c == label ? 1 : 0
        scoresGradient[position] =
          label == specification.ignoreLabel ? 0 : factor * (probabilities[position] - target)
      }
    }
  }
}
