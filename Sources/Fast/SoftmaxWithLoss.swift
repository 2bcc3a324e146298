import Layers
import Tensors

/// Softmax and the negative logarithm of the true class's probability, fast.
///
///     loss = Σ −log(max(p[label], least)) / divisor, over the labels that are not ignored
///
/// The probabilities come from the fast `Softmax`; what remains is one logarithm a label.
///
/// Twin: `Sources/Reference/SoftmaxWithLoss.swift`. Source: Caffe's `softmax_loss_layer.cpp`.
public struct SoftmaxWithLoss<Scalar: BLASScalar>: Loss {
  /// What describes this layer.
  public let specification: SoftmaxWithLossSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: SoftmaxWithLossSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
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
  /// - Complexity: O(count): the softmax, then one logarithm for each label, on one thread.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    scores: Tensor<Scalar>, labels: [Int], saved probabilities: inout Tensor<Scalar>
  ) throws(LayerError) -> Scalar {
    try specification.check(labels: labels, for: scores.shape)
    var context = RunContext()
    var nothing = NothingSaved()
    Softmax<Scalar>(engine: engine).forward(
      scores, parameters: [], context: &context, output: &probabilities, saved: &nothing)

    let axis = ClassAxis(scores.shape)
    let least = Scalar(SoftmaxWithLossSpecification.leastProbability)
    var sum: Scalar = 0
    for (spot, label) in labels.enumerated() where label != specification.ignoreLabel {
      sum -= .log(max(probabilities[axis.start(of: spot) + label * axis.stride], least))
    }
    return sum / Scalar(specification.divisor(labels: labels, scores: scores.shape))
  }

  /// ∂L/∂x[c] = lossWeight/divisor · (p[c] − [c = label]), and 0 where the label is ignored.
  ///
  /// - Complexity: O(count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    labels: [Int], saved probabilities: Tensor<Scalar>, scoresGradient: inout Tensor<Scalar>
  ) {
    let axis = ClassAxis(probabilities.shape)
    require(scoresGradient, probabilities.count)
    precondition(
      (try? specification.check(labels: labels, for: probabilities.shape)) != nil,
      "the labels of a backward pass must be those of the forward pass")
    let divisor = specification.divisor(labels: labels, scores: probabilities.shape)
    let factor = Scalar(specification.lossWeight / divisor)
    let count = probabilities.count
    probabilities.withMemory { p in
      scoresGradient.withMutableMemory { gradient in
        engine.run(over: count) { range in
          for i in range { gradient[i] = factor * p[i] }
        }
        for (spot, label) in labels.enumerated() {
          let start = axis.start(of: spot)
          if label == specification.ignoreLabel {
            for i in axis.classes { gradient[start + i] = 0 }
          } else {
            // A class of this spot, as checked above.
            let position = start + label * axis.stride
            gradient[position] = factor * (p[position] - 1)
          }
        }
      }
    }
  }
}
