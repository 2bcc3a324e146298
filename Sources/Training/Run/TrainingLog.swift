/// What a run has measured so far, for curves.
public struct TrainingLog: Sendable, Equatable {
  /// The loss of each iteration on its own batches, before the update.
  public var losses: [Float] = []
  /// The tests in their order.
  public var tests: [Test] = []

  /// What a test found.
  public struct Test: Sendable, Equatable {
    /// How many iterations had been taken.
    public var iteration: Int
    /// The mean loss.
    public var loss: Double
    /// The share of images whose class had the highest score; between 0 and 1.
    public var accuracy: Double

    /// A test.
    public init(iteration: Int, loss: Double, accuracy: Double) {
      self.iteration = iteration
      self.loss = loss
      self.accuracy = accuracy
    }
  }

  /// Of nothing yet.
  public init() {}
}
