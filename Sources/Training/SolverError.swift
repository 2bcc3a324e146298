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
      passesPerIteration >= 1, "passes per iteration \(passesPerIteration)", "must be at least 1")
    if let limit = gradientNormLimit {
      try require(
        limit.isFinite && limit > 0, "gradient norm limit \(limit)", "must be finite and positive")
    }
    switch policy {
    case .step(_, let stepSize):
      try require(stepSize >= 1, "step size \(stepSize)", "must be at least 1")
    case .multistep(_, let stepValues):
      try require(
        stepValues == stepValues.sorted(), "step values \(stepValues)", "must not decrease")
    case .polynomial(_, let maxIterations):
      try require(
        maxIterations >= 1, "greatest iteration \(maxIterations)",
        "must be at least 1 for the polynomial policy")
    case .fixed, .exponential, .inverse, .sigmoid:
      break
    }
  }
}
