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
  public var gradientAccumulationSteps: Int

  /// A solver.
  public init(
    baseLearningRate: Float, policy: LearningRatePolicy = .fixed, momentum: Float = 0,
    weightDecay: Float = 0, regularization: SGDStep.Regularization = .l2,
    gradientNormLimit: Float? = nil, gradientAccumulationSteps: Int = 1
  ) {
    self.baseLearningRate = baseLearningRate
    self.policy = policy
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.regularization = regularization
    self.gradientNormLimit = gradientNormLimit
    self.gradientAccumulationSteps = gradientAccumulationSteps
  }
}

/// A setting with which a solver can't work.
public struct SolverError: Error, Equatable, CustomStringConvertible {
  /// The setting by name and value, for example `step size 0`.
  public let setting: String
  /// The rule that it breaks.
  public let rule: String

  /// For example `solver: step size 0 must be at least 1`.
  public var description: String { "solver: \(setting) \(rule)" }
}

extension SolverSpecification {
  /// Throws unless every setting makes sense.
  func validate() throws(SolverError) {
    func require(_ condition: Bool, _ setting: String, _ rule: String) throws(SolverError) {
      if !condition { throw SolverError(setting: setting, rule: rule) }
    }
    for (name, value) in [
      ("base learning rate", baseLearningRate), ("momentum", momentum),
      ("weight decay", weightDecay),
    ] {
      try require(value.isFinite && value >= 0, "\(name) \(value)", "must be finite, not negative")
    }
    try require(
      gradientAccumulationSteps >= 1, "gradient accumulation steps \(gradientAccumulationSteps)",
      "must be at least 1")
    if let limit = gradientNormLimit {
      try require(
        limit.isFinite && limit > 0, "gradient norm limit \(limit)", "must be finite and positive")
    }
    // What Caffe's GetLearningRate refuses; what it would train NaN with is refused as well.
    func requireGamma(_ gamma: Float) throws(SolverError) {
      try require(gamma.isFinite && gamma >= 0, "gamma \(gamma)", "must be finite, not negative")
    }
    func requirePower(_ power: Float) throws(SolverError) {
      try require(power.isFinite, "power \(power)", "must be finite")
    }
    func requireStepSize(_ stepSize: Int) throws(SolverError) {
      try require(stepSize >= 1, "step size \(stepSize)", "must be at least 1")
    }
    switch policy {
    case .step(let gamma, let stepSize), .sigmoid(let gamma, let stepSize):
      try requireGamma(gamma)
      try requireStepSize(stepSize)
    case .exponential(let gamma), .multistep(let gamma, _):
      try requireGamma(gamma)
    case .inverse(let gamma, let power):
      try requireGamma(gamma)
      try requirePower(power)
    case .polynomial(let power, let maxIterations):
      try requirePower(power)
      try require(
        maxIterations >= 1, "greatest iteration \(maxIterations)",
        "must be at least 1 for the polynomial policy")
    case .fixed:
      break
    }
  }
}
