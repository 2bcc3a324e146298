import Tensors

/// Softmax over the classes: p = e^x / Σe^x, along axis 1 at each position.
///
/// Source: Caffe's `softmax_layer.cpp`. The shape N×C or N×C×H×W stays.
public struct SoftmaxSpecification: SingleInputSpecification {
  /// `Softmax`.
  public static let typeName = "Softmax"

  /// A softmax along axis 1.
  public init() {}

  /// The input's shape.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    try requireScores(input, Self.typeName)
    return input
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.softmax(self) }
}

/// Softmax, then the negative logarithm of the true class's probability, averaged.
///
/// Source: Caffe's `softmax_loss_layer.cpp`. loss = Σ −log(max(p, 1.18e-38)) / divisor; the
/// gradient is (p − onehot) / divisor times that of the loss, and 0 where the label is ignored. The bound is
/// the smallest normal Float, in Double too, so that no term exceeds 87.3365.
public struct SoftmaxWithLossSpecification: SingleInputSpecification {
  /// `SoftmaxWithLoss`.
  public static let typeName = "SoftmaxWithLoss"

  /// By what the summed loss is divided, but never by less than 1.
  public enum Normalization: String, Hashable, Sendable, CaseIterable {
    /// The number of images and positions, ignored ones included.
    case full
    /// The number of labels that are not ignored.
    case valid
    /// The number of images.
    case batchSize
    /// 1.
    case none
  }

  /// How the loss is averaged.
  public var normalization: Normalization
  /// The label that counts for nothing, if any.
  public var ignoreLabel: Int?
  /// The loss's share in the network's sum of losses.
  public var lossWeight: Double

  /// A loss with Caffe's defaults.
  public init(
    normalization: Normalization = .valid, ignoreLabel: Int? = nil, lossWeight: Double = 1
  ) {
    self.normalization = normalization
    self.ignoreLabel = ignoreLabel
    self.lossWeight = lossWeight
  }

  /// A scalar.
  ///
  /// - Complexity: O(1).
  public func outputShape(for scores: Shape) throws(LayerError) -> Shape {
    try require(
      lossWeight.isFinite, Self.typeName, "loss weight \(lossWeight)", "must be finite")
    try requireScores(scores, Self.typeName)
    return Shape()
  }

  /// Throws unless there is one label for each image and position, each a class or ignored.
  ///
  /// - Complexity: O(labels).
  public func checkLabels(_ labels: [Int], for scores: Shape) throws(LayerError) {
    try requireLabels(labels, for: scores, ignoring: ignoreLabel, Self.typeName)
  }

  /// What the summed loss is divided by.
  ///
  /// - Complexity: O(labels) for `valid`, else O(1).
  public func divisor(labels: [Int], scores: Shape) -> Double {
    let count =
      switch normalization {
      case .full: labels.count
      case .valid: labels.count { $0 != ignoreLabel }
      case .batchSize: scores.images
      case .none: 1
      }
    return Double(max(count, 1))
  }

  /// The least probability whose logarithm is taken.
  public static let leastProbability = Double(Float.leastNormalMagnitude)

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> {
    backend.softmaxWithLoss(self)
  }

  /// It compares its input, the scores, with labels.
  public var takesLabels: Bool { true }

  /// No: the backward pass reads the probabilities that the forward pass has kept.
  public var backwardReadsOutput: Bool { false }
}

/// Throws unless an input has a class axis with at least one class.
func requireScores(_ scores: Shape, _ layer: String) throws(LayerError) {
  try require(
    scores.rank >= 2, layer, "input \(scores)", "must have at least 2 axes: images, classes")
  try require(scores.channels >= 1, layer, "input \(scores)", "must have at least 1 class")
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
