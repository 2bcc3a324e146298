import Layers
import Tensors

/// The share of labels among the highest scores, fast.
///
/// A label is right when fewer than `topK` other classes score at least as high as it does. They
/// are counted without branches; sorting is not needed.
///
/// Twin: `Sources/Reference/Accuracy.swift`. Source: Caffe's `accuracy_layer.cpp`.
public struct Accuracy<Scalar: BLASScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: AccuracySpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: AccuracySpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// Right labels / labels that are not ignored.
  ///
  /// - Precondition: the specification accepts the context's labels.
  /// - Complexity: O(N·H·W·C): every score of the C classes once, on one thread.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ scores: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    require(
      (try? specification.checkLabels(context.labels, for: scores.shape)) != nil,
      "the labels must be as many as the scores ask for, each a class")
    let axis = ClassAxis(scores.shape)
    var (right, counted) = (0, 0)
    scores.withMemory { scores in
      for (spot, label) in context.labels.enumerated() where label != specification.ignoreLabel {
        // As many spots as labels, each label a class: checked above.
        let classes = scores + axis.start(of: spot)
        let own = classes[label * axis.stride]
        var rivals = 0
        // ← fewer
        for i in axis.classes { rivals += classes[i] >= own ? 1 : 0 }
        // The label is its own rival, unless it is NaN, which is not even as high as itself.
        if own == own { rivals -= 1 }
        counted += 1
        if rivals < specification.topK { right += 1 }  // ← right
      }
    }
    output[0] = counted == 0 ? 0 : Scalar(right) / Scalar(counted)
  }

  /// 0: the share is constant but for jumps.
  ///
  /// - Complexity: O(count).
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { $0.fill(with: 0) }
  }
}
