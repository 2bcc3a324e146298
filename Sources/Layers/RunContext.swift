import Tensors

/// Whether a network learns or is measured: dropout drops only in training.
public enum Phase: String, Hashable, Sendable, CaseIterable {
  /// Caffe's `TRAIN`.
  case training
  /// Caffe's `TEST`.
  case testing
}

/// What a forward pass depends on beside its inputs and parameters.
public struct RunContext: Sendable, Equatable {
  /// Training or testing.
  public var phase: Phase
  /// The source of all randomness in a forward pass, drawn from in the order of the layers.
  public var random: MersenneTwister
  /// The labels that a loss or an accuracy compares its input with, one for each image and position.
  public var labels: [Int]

  /// A context whose random numbers start from a seed.
  ///
  /// - Complexity: O(s) for the generator's s = 624 words of state.
  public init(phase: Phase = .training, seed: UInt32 = 1, labels: [Int] = []) {
    self.phase = phase
    self.labels = labels
    self.random = MersenneTwister(seed: seed)
  }
}
