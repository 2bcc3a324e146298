import Layers
import RealModule
import Tensors

/// The share of labels among the highest scores.
///
/// A label is right when fewer than `topK` other classes score at least as high as it does.
///
/// Twin: `Sources/Fast/Accuracy.swift`. Source: Caffe's `accuracy_layer.cpp`.
public struct Accuracy<Scalar: Tensors.Scalar>: Metric {
  /// What describes this layer.
  public let specification: AccuracySpecification

  /// The naive version of a specification.
  public init(_ specification: AccuracySpecification) {
    self.specification = specification
  }

  /// The measurement.
  public static var source: SourceLocation? { .here() }

  /// Right labels / labels that are not ignored.
  ///
  /// - Complexity: O(N·H·W·C): every score of the C classes once.
  public func measure(scores: Tensor<Scalar>, labels: [Int]) throws(LayerError) -> Scalar {
    try specification.check(labels: labels, for: scores.shape)
    let spots = ClassAxis(scores.shape)
    var (right, counted) = (0, 0)
    for (start, label) in zip(spots.starts, labels) where label != specification.ignoreLabel {
      let own = scores[start + label * spots.stride]
      var rivals = 0
      for c in 0..<spots.classes where c != label {
        if scores[start + c * spots.stride] >= own { rivals += 1 }
      }
      counted += 1
      if rivals < specification.topK { right += 1 }
    }
    return counted == 0 ? 0 : Scalar(Double(right)) / Scalar(Double(counted))
  }
}
