import Layers

/// How a network is trained.
///
/// Source: Caffe's `SolverParameter`, whose defaults these are.
public struct SolverSpecification: Hashable, Sendable {
  /// The learning rate that the policy starts from, `base_lr`.
  public var baseLearningRate: Float
  /// How the learning rate changes, `lr_policy`.
  public var policy: LearningRatePolicy
  /// The share of the last step that is taken again.
  public var momentum: Float
  /// The factor of the regularisation, before each parameter's multiplier.
  public var weightDecay: Float
  /// L1 or L2, `regularization_type`.
  public var regularization: SGDStep.Regularization
  /// The greatest L2 norm of all gradients together, summed over the passes of an iteration;
  /// `nil` doesn't clip. `clip_gradients`.
  public var gradientNormLimit: Float?
  /// The forward and backward passes whose gradients make one step, `iter_size`.
  public var passesPerIteration: Int

  /// A solver.
  public init(
    baseLearningRate: Float, policy: LearningRatePolicy = .fixed, momentum: Float = 0,
    weightDecay: Float = 0, regularization: SGDStep.Regularization = .l2,
    gradientNormLimit: Float? = nil, passesPerIteration: Int = 1
  ) {
    self.baseLearningRate = baseLearningRate
    self.policy = policy
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.regularization = regularization
    self.gradientNormLimit = gradientNormLimit
    self.passesPerIteration = passesPerIteration
  }
}
