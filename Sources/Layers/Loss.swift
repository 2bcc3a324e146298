import Tensors

/// One version of a loss: scores and labels to one number, and its derivative by the scores.
public protocol Loss<Scalar>: Sendable {
  /// The number it computes with.
  associatedtype Scalar: Tensors.Scalar
  /// What the forward pass keeps for the backward pass.
  associatedtype Saved: Sendable

  /// What describes it.
  var specification: SoftmaxWithLossSpecification { get }

  /// Where its code is.
  static var source: SourceLocation? { get }

  /// Memory for what a forward pass on scores of this shape keeps.
  ///
  /// - Complexity: O(size) in what is kept, which it allocates.
  func makeSaved(for scores: Shape) throws(LayerError) -> Saved

  /// The loss, before `lossWeight`.
  ///
  /// - Parameters:
  ///   - scores: N×C, or N×C×H×W for a prediction at every position.
  ///   - labels: the class at every image and position, N·H·W of them.
  ///   - saved: overwritten.
  /// - Throws: `LayerError` for labels that are too few, too many or no class.
  /// - Complexity: O(count) for `count` scores.
  func forward(
    scores: Tensor<Scalar>, labels: [Int], saved: inout Saved
  ) throws(LayerError) -> Scalar

  /// Overwrites `scoresGradient` with ∂(lossWeight·loss)/∂scores.
  ///
  /// - Complexity: O(count) for `count` scores.
  func backward(labels: [Int], saved: Saved, scoresGradient: inout Tensor<Scalar>)
}

/// One version of a measurement that is not differentiated: accuracy.
public protocol Metric<Scalar>: Sendable {
  /// The number it computes with.
  associatedtype Scalar: Tensors.Scalar

  /// What describes it.
  var specification: AccuracySpecification { get }

  /// Where its code is.
  static var source: SourceLocation? { get }

  /// The measurement, for scores and labels as `Loss` takes them.
  ///
  /// - Throws: `LayerError` for labels that are too few, too many or no class.
  /// - Complexity: O(count) for `count` scores.
  func measure(scores: Tensor<Scalar>, labels: [Int]) throws(LayerError) -> Scalar
}

extension Loss {
  /// Unknown.
  public static var source: SourceLocation? { nil }
}

extension Metric {
  /// Unknown.
  public static var source: SourceLocation? { nil }
}

/// Throws unless there is one label for each image and position, each a class or ignored.
func requireLabels(
  _ labels: [Int], for scores: Shape, ignoring ignored: Int?, _ layer: String
) throws(LayerError) {
  let expected = scores.images * scores.spatialCount
  try require(
    labels.count == expected, layer, "\(labels.count) labels",
    "must be \(expected), one for each image and position of scores \(scores)")
  for (position, label) in labels.enumerated() where label != ignored {
    try require(
      (0..<scores.channels).contains(label), layer, "label \(label) at position \(position)",
      "must be a class from 0 to \(scores.channels - 1)")
  }
}
