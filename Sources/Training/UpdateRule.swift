import Layers
import Tensors

/// How a parameter is changed once its gradient is known, and what that remembers from step to step.
///
/// `SGD` is the rule of the library. Another one conforms to this protocol and is handed to
/// `Solver.init(_:network:backend:rule:blocks:communicator:overlaps:)`. Rates, clipping, sums over passes, blocks and ranks,
/// shared and frozen parameters are the solver's, snapshots are `TrainingRun`'s: a rule has none of that.
public protocol UpdateRule: Sendable {
  /// What snapshots call it, `sgd` for example. A snapshot of another rule is refused.
  var name: String { get }

  /// How many tensors it remembers for each parameter. Each has the parameter's shape and begins with 0.
  var stateCount: Int { get }

  /// Which of them is what the last step subtracted, if one is: update ratios are computed of it. `nil`
  /// unless a rule says another thing; a run then has no update ratios.
  var lastStep: Int? { get }

  /// Changes one parameter.
  ///
  /// The same arguments have to give the same bits: ranks and resumed runs rely on it.
  ///
  /// - Parameters:
  ///   - step: the rate and the decay of this parameter in this iteration, and what the gradient has to be
  ///     multiplied by, which is the mean over passes and blocks and the clipping. A rule may ignore the
  ///     momentum.
  ///   - iteration: how many steps have been taken before.
  ///   - parameter: what learns.
  ///   - state: what the rule remembers of it: `stateCount` tensors of the parameter's shape.
  ///   - gradient: of the parameter's shape, not scaled yet.
  ///   - backend: whose version of the arithmetic to take, where it has one.
  /// - Complexity: O(count) of the parameter, unless the rule's documentation says otherwise.
  func take<Scalar: Tensors.Scalar>(
    _ step: SGDStep, iteration: Int, on parameter: inout Tensor<Scalar>,
    state: inout [Tensor<Scalar>], gradient: Tensor<Scalar>, backend: any Backend<Scalar>)
}

extension UpdateRule {
  /// None.
  public var lastStep: Int? { nil }
}

/// Stochastic gradient descent with momentum: each step is what `SGDStep` says. It remembers the last step
/// (Caffe: history).
public struct SGD: UpdateRule {
  /// `sgd`
  public let name = "sgd"
  /// One: the momentum buffer.
  public let stateCount = 1
  /// The momentum buffer is the last step.
  public let lastStep: Int? = 0

  /// The rule; all its numbers are in the solver's specification.
  public init() {}

  /// Takes the backend's step.
  ///
  /// - Parameters:
  ///   - step: all numbers of the step.
  ///   - iteration: doesn't matter.
  ///   - parameter: what learns.
  ///   - state: its momentum buffer.
  ///   - gradient: of the parameter's shape.
  ///   - backend: takes the step.
  /// - Complexity: O(count) of the parameter, in place.
  public func take<Scalar: Tensors.Scalar>(
    _ step: SGDStep, iteration: Int, on parameter: inout Tensor<Scalar>,
    state: inout [Tensor<Scalar>], gradient: Tensor<Scalar>, backend: any Backend<Scalar>
  ) {
    backend.take(step, on: &parameter, momentumBuffer: &state[0], gradient: gradient)
  }
}
