import GradientChecking
import Tensors

/// A function that counts how often it is evaluated, and how often its gradients are asked for; these
/// can be changed, to be wrong.
struct CountedFunction<F: DifferentiableFunction>: DifferentiableFunction {
  final class Counter: Sendable {
    let evaluations = LockedState(0)
    let gradients = LockedState(0)
  }

  let counter = Counter()
  private var function: F
  private let change: ([Tensor<Double>]) -> [Tensor<Double>]

  init(_ function: F, changing change: @escaping ([Tensor<Double>]) -> [Tensor<Double>]) {
    self.function = function
    self.change = change
  }

  var variables: [Variable] { function.variables }
  func values(of variable: Int) -> Tensor<Double> { function.values(of: variable) }
  mutating func setValues(of variable: Int, to values: Tensor<Double>) {
    function.setValues(of: variable, to: values)
  }
  func value(of variable: Int, at position: Int) -> Double {
    function.value(of: variable, at: position)
  }
  mutating func setValue(of variable: Int, at position: Int, to value: Double) {
    function.setValue(of: variable, at: position, to: value)
  }

  mutating func evaluate(
    into outputs: inout [Double], seed: UInt32, movedOnly variable: Int?
  ) throws {
    counter.evaluations.withLock { $0 += 1 }
    try function.evaluate(into: &outputs, seed: seed, movedOnly: variable)
  }

  mutating func gradients(upstream: [Double], seed: UInt32) throws -> [Tensor<Double>] {
    counter.gradients.withLock { $0 += 1 }
    return change(try function.gradients(upstream: upstream, seed: seed))
  }
}
