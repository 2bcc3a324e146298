import RealModule

/// How the learning rate changes from iteration to iteration.
///
/// Source: Caffe's `sgd_solver.cpp`, `GetLearningRate`, whose arithmetic is followed operation by
/// operation in Float, so that the rates are Caffe's bit for bit.
public enum LearningRatePolicy: Hashable, Sendable {
  /// base
  case fixed
  /// base · gamma^⌊i / stepSize⌋
  case step(gamma: Float, stepSize: Int)
  /// base · gamma^i
  case exponential(gamma: Float)
  /// base · (1 + gamma·i)^−power
  case inverse(gamma: Float, power: Float)
  /// base · gamma^(how many of the step values have been reached)
  case multistep(gamma: Float, stepValues: [Int])
  /// base · (1 − i / maxIterations)^power: 0 at the end
  case polynomial(power: Float, maxIterations: Int)
  /// base / (1 + e^(−gamma·(i − stepSize)))
  case sigmoid(gamma: Float, stepSize: Int)

  /// The learning rate at iteration i, counted from 0.
  ///
  /// - Complexity: O(step values) for `multistep`, else O(1).
  public func rate(base: Float, iteration i: Int) -> Float {
    switch self {
    case .fixed:
      return base
    case .step(let gamma, _):
      return decayed(base, gamma, steps: stepCount(iteration: i))
    case .exponential(let gamma):
      return decayed(base, gamma, steps: i)
    case .inverse(let gamma, let power):
      return base * .pow(1 + gamma * Float(i), -power)
    case .multistep(let gamma, _):
      return decayed(base, gamma, steps: stepCount(iteration: i))
    case .polynomial(let power, let maxIterations):
      return base * .pow(1 - Float(i) / Float(maxIterations), power)
    case .sigmoid(let gamma, let stepSize):
      return base * (1 / (1 + .exp(-gamma * (Float(i) - Float(stepSize)))))
    }
  }

  /// How often the rate has been lowered by iteration i, counted from 0: what Caffe's snapshots call
  /// `current_step`. 0 for policies without steps.
  ///
  /// - Complexity: O(step values) for `multistep`, else O(1).
  public func stepCount(iteration i: Int) -> Int {
    switch self {
    case .step(_, let stepSize): i / stepSize
    case .multistep(_, let stepValues): stepValues.count { $0 <= i }
    default: 0
    }
  }

  /// C++ raises a float to an integer in double, and the product is rounded once.
  private func decayed(_ base: Float, _ gamma: Float, steps: Int) -> Float {
    Float(Double(base) * Double.pow(Double(gamma), Double(steps)))
  }
}
