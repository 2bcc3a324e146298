import Layers

/// How thoroughly a function is checked, and from which random numbers.
public struct CheckOptions: Hashable, Sendable {
  /// Which elements are checked.
  public enum Mode: Hashable, Sendable {
    /// Each element of each tensor.
    case exhaustive
    /// This many elements of each tensor, chosen at random; all of a smaller one.
    case sampled(Int)
    /// No single element, only directions.
    case directional
  }

  /// Which elements are checked.
  public var mode: Mode
  /// Along how many random directions each tensor is checked as well, and, unless there are none,
  /// along the one that moves all elements alike. A direction moves all elements at once, so that an
  /// error anywhere in them shows; and where several share a kink it tells right from wrong, which
  /// one element at a time can't.
  public var directions: Int
  /// For how many elements of each tensor the exact derivative is computed, where dual numbers
  /// are at hand.
  public var exactElements: Int
  /// Whether a gradient is accepted as soon as one quotient agrees with it to within rounding. That
  /// takes one or two evaluations instead of six or more, for networks too large for those; kinks
  /// are then noticed only where they disturb.
  public var isEconomical: Bool
  /// Where all random numbers start: point, upstream gradient, directions, dropout masks.
  public var seed: UInt64
  /// Training or testing.
  public var phase: Phase

  /// Every element, two directions, in training.
  public init(
    mode: Mode = .exhaustive, directions: Int = 2, exactElements: Int = 256,
    isEconomical: Bool = false, seed: UInt64 = 1, phase: Phase = .training
  ) {
    self.isEconomical = isEconomical
    self.mode = mode
    self.directions = directions
    self.exactElements = exactElements
    self.seed = seed
    self.phase = phase
  }

  /// The seed of a layer's own randomness.
  var layerSeed: UInt32 { UInt32(truncatingIfNeeded: seed) }
}

/// How far a check has come.
public struct CheckProgress: Sendable {
  /// The tensor that is being checked, for example `weights`; of a network, `conv1 weights`.
  public var tensor: String
  /// How many of its elements and directions are done.
  public var linesDone: Int
  /// How many there are.
  public var lines: Int
  /// How many tensors are done.
  public var tensorsDone: Int
  /// How many tensors there are.
  public var tensors: Int

  /// A moment of a check.
  public init(tensor: String, linesDone: Int, lines: Int, tensorsDone: Int, tensors: Int) {
    self.tensor = tensor
    self.linesDone = linesDone
    self.lines = lines
    self.tensorsDone = tensorsDone
    self.tensors = tensors
  }
}
