/// One step of stochastic gradient descent with momentum, for one parameter.
///
/// Source: Caffe's `sgd_solver.cpp`. With gradient g, parameter w and momentum buffer h
/// (Caffe: history), in this order:
///
///     g ← gradientScale · g
///     g ← g + decay · w              (L2; for L1: decay · sign(w))
///     h ← rate · g + momentum · h
///     w ← w − h
public struct SGDStep: Hashable, Sendable {
  /// What weight decay pulls towards zero.
  public enum Regularization: String, Hashable, Sendable, CaseIterable {
    /// Σ|w|: every weight shrinks by the same amount.
    case l1
    /// ½·Σw²: every weight shrinks in proportion.
    case l2
  }

  /// The learning rate, times the parameter's multiplier.
  public var rate: Double
  /// The share of the last step that is taken again.
  public var momentum: Double
  /// The weight decay, times the parameter's multiplier.
  public var decay: Double
  /// L1 or L2.
  public var regularization: Regularization
  /// What the gradient is multiplied by first: clipping and averaging over several passes.
  public var gradientScale: Double

  /// A step.
  public init(
    rate: Double, momentum: Double = 0, decay: Double = 0,
    regularization: Regularization = .l2, gradientScale: Double = 1
  ) {
    self.rate = rate
    self.momentum = momentum
    self.decay = decay
    self.regularization = regularization
    self.gradientScale = gradientScale
  }
}
