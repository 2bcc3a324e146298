import Layers
import Tensors

/// How Caffe's own tests check a layer's gradient: with one step and one tolerance, in both precisions.
///
/// Each output in turn is the objective, times 2. An element passes when
///
///     |a − n| ≤ threshold · max(|a|, |n|, 1),   n = (f(x + step) − f(x − step)) / (2·step)
///
/// Gradients much smaller than 1 pass whatever they are, and so does any error below the threshold.
/// Here to show what such a check misses; `check` is the one to use.
///
/// Source: Caffe's `test_gradient_check_util.hpp`, and the numbers of its layers' tests.
public struct CaffeTolerances: Hashable, Sendable {
  /// The step.
  public var step: Double
  /// The relative error that is allowed.
  public var threshold: Double
  /// Elements at most this far from 0 are left out.
  public var kinkRange: Double

  /// Caffe's choice for most layers.
  public init(step: Double = 1e-2, threshold: Double = 1e-3, kinkRange: Double = 0) {
    self.step = step
    self.threshold = threshold
    self.kinkRange = kinkRange
  }

  /// Caffe's choice for a type of layer.
  ///
  /// - Complexity: O(1).
  public static func caffe(for typeName: String) -> CaffeTolerances {
    switch typeName {
    case ReLUSpecification.typeName: CaffeTolerances(kinkRange: 1e-2)
    case PoolingSpecification.typeName: CaffeTolerances(step: 1e-4, threshold: 1e-2)
    case LRNSpecification.typeName, SoftmaxWithLossSpecification.typeName:
      CaffeTolerances(threshold: 1e-2)
    default: CaffeTolerances()
    }
  }
}

/// The verdict of `caffeCheck`.
public struct CaffeReport: Hashable, Sendable, Encodable {
  /// Whether all elements that were looked at passed.
  public var passed: Bool { failed == 0 }
  /// How many pairs of an element and an output were looked at.
  public var checked = 0
  /// How many elements were left out.
  public var leftOut = 0
  /// How many pairs failed.
  public var failed = 0
  /// The greatest |a − n| / max(|a|, |n|, 1).
  public var worstError = 0.0
}

/// Checks a function's gradient as Caffe's tests do.
///
/// - Parameters:
///   - function: a layer or loss at its point.
///   - tolerances: step, threshold, and what is left out.
///   - seed: as for `check`.
/// - Throws: whatever the function throws.
/// - Complexity: Two evaluations for each element of the variables and one backward pass for each
///   output, whose gradients are all kept: memory of elements × outputs.
public func caffeCheck<F: DifferentiableFunction>(
  _ function: F, tolerances: CaffeTolerances, seed: UInt32 = 1701
) throws -> CaffeReport {
  var function = function
  var report = CaffeReport()
  var (above, below) = ([Double](), [Double]())
  try function.evaluate(into: &above, seed: seed, movedOnly: nil)
  let outputs = above.count
  let gradients = try (0..<outputs).map { output in
    var upstream = [Double](repeating: 0, count: outputs)
    upstream[output] = 2
    return try function.gradients(upstream: upstream, seed: seed)
  }
  for (variable, description) in function.variables.enumerated() {
    for position in 0..<description.shape.count {
      let value = function.value(of: variable, at: position)
      if tolerances.kinkRange > 0, abs(value) <= tolerances.kinkRange {
        report.leftOut += 1
        continue
      }
      function.setValue(of: variable, at: position, to: value + tolerances.step)
      try function.evaluate(into: &above, seed: seed, movedOnly: nil)
      function.setValue(of: variable, at: position, to: value - tolerances.step)
      try function.evaluate(into: &below, seed: seed, movedOnly: nil)
      function.setValue(of: variable, at: position, to: value)
      for output in 0..<outputs {
        let numeric = 2 * (above[output] - below[output]) / (2 * tolerances.step)
        let analytic = gradients[output][variable][position]
        let error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), 1)
        report.checked += 1
        report.worstError = max(report.worstError, error.isNaN ? .infinity : error)
        if !(error <= tolerances.threshold) { report.failed += 1 }
      }
    }
  }
  return report
}
