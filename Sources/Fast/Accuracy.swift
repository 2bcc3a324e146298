import Layers
import Tensors

/// The share of labels among the highest scores, fast.
///
/// A label is right when fewer than `topK` other classes score at least as high as it does. They
/// are counted without branches; sorting is not needed.
///
/// Twin: `Sources/Reference/Accuracy.swift`. Source: Caffe's `accuracy_layer.cpp`.
public struct Accuracy<Scalar: BLASScalar>: Metric {
  /// What describes this layer.
  public let specification: AccuracySpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: AccuracySpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// The measurement.
  public static var source: SourceLocation? { .here() }

  /// Right labels / labels that are not ignored.
  ///
  /// - Complexity: O(N·H·W·C): every score of the C classes once, on one thread.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func measure(scores: Tensor<Scalar>, labels: [Int]) throws(LayerError) -> Scalar {
    try specification.check(labels: labels, for: scores.shape)
    let axis = ClassAxis(scores.shape)
    var (right, counted) = (0, 0)
    scores.withMemory { scores in
      for (spot, label) in labels.enumerated() where label != specification.ignoreLabel {
        // As many spots as labels, each label a class: the specification has checked it.
        let classes = scores + axis.start(of: spot)
        let own = classes[label * axis.stride]
        var rivals = 0
        for i in axis.classes { rivals += classes[i] >= own ? 1 : 0 }
        // The label is its own rival, unless it is NaN, which is not even as high as itself.
        if own == own { rivals -= 1 }
        counted += 1
        if rivals < specification.topK { right += 1 }
      }
    }
    return counted == 0 ? 0 : Scalar(right) / Scalar(counted)
  }
}
