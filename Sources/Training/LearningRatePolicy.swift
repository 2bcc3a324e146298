#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How the learning rate changes from iteration to iteration.
///
/// Source: Caffe's `sgd_solver.cpp`, `GetLearningRate`, whose arithmetic is followed operation by
/// operation, C's `pow` included (0⁰ is 1 there), so that the rates are Caffe's bit for bit.
public enum LearningRatePolicy: Hashable, Sendable {
  /// base
  case fixed
  /// base · gamma^⌊i / stepSize⌋
  case step(gamma: Float, stepSize: Int)
  /// base · gamma^i
  case exponential(gamma: Float)
  /// base · (1 + gamma·i)^−power
  case inverse(gamma: Float, power: Float)
  /// base · gamma^(how many of the step values have been reached), one more in an iteration at most
  case multistep(gamma: Float, stepValues: [Int])
  /// base · (1 − i / maxIterations)^power: 0 at the end
  case polynomial(power: Float, maxIterations: Int)
  /// base / (1 + e^(−gamma·(i − stepSize)))
  case sigmoid(gamma: Float, stepSize: Int)

  /// The learning rate at iteration i, counted from 0, of a run that was at iteration 0 once.
  ///
  /// - Complexity: O(step values) for `multistep`, else O(1).
  public func rate(base: Float, iteration i: Int) -> Float {
    rate(base: base, iteration: i, stepCount: stepCount(iteration: i))
  }

  /// The learning rate at iteration i, counted from 0, when it has been lowered so many times.
  ///
  /// - Parameters:
  ///   - base: where the policy starts from.
  ///   - i: the iteration.
  ///   - stepCount: as `stepCount(iteration:after:)` gives it; policies without steps ignore it.
  /// - Complexity: O(1).
  public func rate(base: Float, iteration i: Int, stepCount: Int) -> Float {
    switch self {
    case .fixed:
      return base
    case .step(let gamma, _), .multistep(let gamma, _):
      return decayed(base, gamma, steps: stepCount)
    case .exponential(let gamma):
      return decayed(base, gamma, steps: i)
    case .inverse(let gamma, let power):
      return base * powf(1 + gamma * Float(i), -power)
    case .polynomial(let power, let maxIterations):
      return base * powf(1 - Float(i) / Float(maxIterations), power)
    case .sigmoid(let gamma, let stepSize):
      return base * (1 / (1 + expf(-gamma * (Float(i) - Float(stepSize)))))
    }
  }

  /// How often the rate has been lowered by iteration i, counted from 0, in a run that was at iteration 0
  /// once: what Caffe's snapshots call `current_step`. 0 for policies without steps.
  ///
  /// - Complexity: O(step values) for `multistep`, else O(1).
  public func stepCount(iteration i: Int) -> Int {
    guard case .multistep(_, let stepValues) = self else {
      return stepCount(iteration: i, after: 0)
    }
    var (count, time) = (0, -1)
    for value in stepValues {
      // Not before its iteration, and not in that of the step before.
      time = max(value, time + 1)
      guard time <= i else { break }
      count += 1
    }
    return count
  }

  /// How often the rate has been lowered at iteration i, when it had been so many times before it. As in
  /// Caffe, `multistep` lowers it at most once in an iteration, and goes on from a number that a snapshot
  /// of other step values brings.
  ///
  /// - Complexity: O(1).
  public func stepCount(iteration i: Int, after former: Int) -> Int {
    switch self {
    case .step(_, let stepSize): i / stepSize
    case .multistep(_, let stepValues):
      stepValues.indices.contains(former) && i >= stepValues[former] ? former + 1 : former
    default: former
    }
  }

  /// C++ raises a float to an integer in double, and the product is rounded once.
  private func decayed(_ base: Float, _ gamma: Float, steps: Int) -> Float {
    Float(Double(base) * pow(Double(gamma), Double(steps)))
  }
}
