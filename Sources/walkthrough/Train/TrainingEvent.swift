import Training

/// What a training run tells whoever watches it.
enum TrainingEvent {
  /// An iteration has been taken.
  case iteration(Step)
  /// The network has been tested.
  case test(TrainingLog.Test)
  /// A snapshot has been written to a file.
  case snapshot(iteration: Int, path: String)

  /// One iteration.
  struct Step {
    /// How many have been taken, this one included.
    var iteration: Int
    /// The loss on its batch, before the update.
    var loss: Float
    /// The learning rate of the update.
    var learningRate: Float
    /// The speed of late, in images per second of wall-clock time; tests don't count.
    var imagesPerSecond: Double
  }
}
