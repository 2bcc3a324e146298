import Layers
import Tensors

/// A loss at a point, as a function of the scores: one output, lossWeight·loss.
public struct LossFunction<L: Loss>: DifferentiableFunction {
  /// The loss.
  public let loss: L
  /// The true classes.
  public let labels: [Int]
  /// The scores alone.
  public let variables: [Variable]
  /// The precision of the loss's scalar.
  public let precision: Double

  private var scores: Tensor<L.Scalar>
  private var saved: L.Saved

  /// A loss at given scores and labels.
  ///
  /// - Throws: `LayerError` when they don't fit the loss.
  /// - Complexity: O(scores), which are copied.
  public init(_ loss: L, scores: Tensor<Double>, labels: [Int]) throws(LayerError) {
    try loss.specification.check(labels: labels, for: scores.shape)
    self.loss = loss
    self.labels = labels
    self.scores = scores.converted()
    variables = [Variable(name: "scores", shape: scores.shape)]
    precision = spacingAtOne(of: L.Scalar.self)
    saved = try loss.makeSaved(for: scores.shape)
  }

  /// The scores.
  ///
  /// - Complexity: O(scores), copying.
  public func values(of variable: Int) -> Tensor<Double> { scores.converted() }

  /// Moves the scores.
  ///
  /// - Complexity: O(scores), copying.
  public mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    scores = values.converted()
  }

  /// One score.
  public func value(of variable: Int, at position: Int) -> Double { scores[position].doubleValue }

  /// Moves one score.
  ///
  /// - Complexity: O(1).
  public mutating func setValue(of variable: Int, at position: Int, to value: Double) {
    scores[position] = L.Scalar(value)
  }

  /// lossWeight·loss.
  ///
  /// - Complexity: One forward pass.
  public mutating func evaluate(
    into outputs: inout [Double], seed: UInt32, movedOnly variable: Int?
  ) throws {
    let value = try loss.forward(scores: scores, labels: labels, saved: &saved)
    outputs = [loss.specification.lossWeight * value.doubleValue]
  }

  /// The forward pass, then the backward pass.
  ///
  /// - Complexity: One forward and one backward pass, with memory for the gradient.
  public mutating func gradients(upstream: [Double], seed: UInt32) throws -> [Tensor<Double>] {
    _ = try loss.forward(scores: scores, labels: labels, saved: &saved)
    var gradient = Tensor<L.Scalar>(scores.shape)
    loss.backward(labels: labels, saved: saved, scoresGradient: &gradient)
    var result: Tensor<Double> = gradient.converted()
    for i in 0..<result.count { result[i] *= upstream[0] }
    return [result]
  }
}
