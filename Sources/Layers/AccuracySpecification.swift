import Tensors

/// The share of labels whose class is among the `topK` highest scores.
///
/// Source: Caffe's `accuracy_layer.cpp`. A label counts as right when fewer than `topK` other
/// classes score at least as high: ties count against it. 0 when every label is ignored.
public struct AccuracySpecification: SingleInputSpecification {
  /// `Accuracy`.
  public static let typeName = "Accuracy"

  /// How many of the highest scores count.
  public var topK: Int
  /// The label that is passed over, if any.
  public var ignoreLabel: Int?

  /// Accuracy with Caffe's defaults.
  public init(topK: Int = 1, ignoreLabel: Int? = nil) {
    self.topK = topK
    self.ignoreLabel = ignoreLabel
  }

  /// A scalar.
  ///
  /// - Complexity: O(1).
  public func outputShape(for scores: Shape) throws(LayerError) -> Shape {
    try requireSize(topK, atLeast: 1, Self.typeName, "top k")
    try requireScores(scores, Self.typeName)
    try require(
      topK <= scores.channels, Self.typeName, "top k \(topK)",
      "must not exceed the \(scores.channels) classes")
    return Shape()
  }

  /// Throws unless there is one label for each image and position, each a class or ignored.
  ///
  /// - Complexity: O(labels).
  public func checkLabels(_ labels: [Int], for scores: Shape) throws(LayerError) {
    try requireLabels(labels, for: scores, ignoring: ignoreLabel, Self.typeName)
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.accuracy(self) }

  /// No: the backward pass reads the input.
  public var backwardReadsOutput: Bool { false }

  /// It compares its input, the scores, with labels.
  public var takesLabels: Bool { true }

  /// No: it is constant but for jumps.
  public var isDifferentiable: Bool { false }
}
