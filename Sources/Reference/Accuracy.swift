import Layers
import RealModule
import Tensors

/// The share of labels among the highest scores.
///
/// A label is right when fewer than `topK` other classes score at least as high as it does.
///
/// Twin: `Sources/Fast/Accuracy.swift`. Source: Caffe's `accuracy_layer.cpp`.
public struct Accuracy<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: AccuracySpecification

  /// The naive version of a specification.
  public init(_ specification: AccuracySpecification) {
    self.specification = specification
  }

  /// Right labels / labels that are not ignored.
  ///
  /// - Precondition: the specification accepts the context's labels.
  /// - Complexity: O(N·H·W·C): every score of the C classes once.
  public func forward(
    _ scores: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let spots = ClassAxis(scores.shape)
    var (right, counted) = (0, 0)
    for (start, label) in zip(spots.starts, context.labels)
    where label != specification.ignoreLabel {
      let own = scores[start + label * spots.stride]
      var rivals = 0
      for c in 0..<spots.classes where c != label {
        if scores[start + c * spots.stride] >= own { rivals += 1 }  // ← fewer
      }
      counted += 1
      if rivals < specification.topK { right += 1 }  // ← right
    }
    output[0] = counted == 0 ? 0 : Scalar(Double(right)) / Scalar(Double(counted))
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
