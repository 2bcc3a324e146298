import Layers
import Tensors

/// Softmax and the negative logarithm of the true class's probability, fast.
///
///     loss = Σ −log(max(p[label], least)) / divisor, over the labels that are not ignored
///
/// The probabilities come from the fast `Softmax`; what remains is one logarithm a label.
///
/// Twin: `Sources/Reference/SoftmaxWithLoss.swift`. Source: Caffe's `softmax_loss_layer.cpp`.
public struct SoftmaxWithLoss<Scalar: BLASScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: SoftmaxWithLossSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: SoftmaxWithLossSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
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
  /// - Complexity: O(count): the softmax, then one logarithm for each label, on one thread.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ scores: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    require(
      (try? specification.checkLabels(context.labels, for: scores.shape)) != nil,
      "the labels must be as many as the scores ask for, each a class")
    var nothing = NothingSaved()
    // → Softmax.swift forward
    Softmax<Scalar>(engine: engine).forward(  // ← p
      scores, parameters: [], context: &context, output: &saved.probabilities, saved: &nothing)
    let (probabilities, labels) = (saved.probabilities, context.labels)
    saved.labels = labels

    let axis = ClassAxis(scores.shape)
    let least = Scalar(SoftmaxWithLossSpecification.leastProbability)
    var sum: Scalar = 0
    for (spot, label) in labels.enumerated() where label != specification.ignoreLabel {
      // ← ln
      sum -= .log(max(probabilities[axis.start(of: spot) + label * axis.stride], least))
    }
    // ← loss
    output[0] = sum / Scalar(specification.divisor(labels: labels, scores: scores.shape))
  }

  /// ∂L/∂x[c] = ∂L/∂loss / divisor · (p[c] − [c = label]), and 0 where the label is ignored.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input scores: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let probabilities = saved.probabilities
    let axis = ClassAxis(probabilities.shape)
    // What `saved` holds can be changed from outside.
    require(
      (try? specification.checkLabels(saved.labels, for: probabilities.shape)) != nil,
      "the labels of a backward pass must be those of the forward pass")
    let divisor = Scalar(specification.divisor(labels: saved.labels, scores: probabilities.shape))
    let factor = outputGradient[0] / divisor
    inputGradient.update { gradient in
      engine.change(&gradient, with: probabilities) { gradient, p, range in
        for i in range { gradient[i] = factor * p[i] }  // ← ∂in ∂L/∂x, p
      }
      for (spot, label) in saved.labels.enumerated() {
        let start = axis.start(of: spot)
        if label == specification.ignoreLabel {
          for i in axis.classes { gradient[start + i] = 0 }
        } else {
          let position = start + label * axis.stride
          gradient[position] = factor * (probabilities[position] - 1)  // ← ∂in label
        }
      }
    }
  }
}
