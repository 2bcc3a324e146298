// The code of Sources/Training/Documentation.docc/AnotherUpdateRule.md.
import Layers
import Networks
import Tensors
import Training

/// Adam: each number steps by the running mean of its gradient, divided by the root of that of its square.
///
/// Source: Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1. Decay is added to the gradient, as in SGD.
struct Adam: UpdateRule {
  let name = "adam"
  let stateCount = 2
  /// The shares of the means that are kept in each step.
  var (kept1, kept2) = (0.9, 0.999)
  var epsilon = 1e-8

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func take<Scalar: Tensors.Scalar>(
    _ step: SGDStep, iteration: Int, on parameter: inout Tensor<Scalar>,
    state: inout [Tensor<Scalar>], gradient: Tensor<Scalar>, backend: any Backend<Scalar>
  ) {
    // Means that began with 0 are too small by these factors at first.
    let bias1 = 1 - Double.pow(kept1, iteration + 1)
    let bias2 = 1 - Double.pow(kept2, iteration + 1)
    let (rate, bias) = (Scalar(step.rate / bias1), Scalar(bias2))
    let (scale, decay) = (Scalar(step.gradientScale), Scalar(step.decay))
    let (old1, new1) = (Scalar(kept1), Scalar(1 - kept1))
    let (old2, new2) = (Scalar(kept2), Scalar(1 - kept2))
    let epsilon = Scalar(epsilon)
    for i in 0..<parameter.count {
      let g = scale * gradient[i] + decay * parameter[i]
      state[0][i] = old1 * state[0][i] + new1 * g
      state[1][i] = old2 * state[1][i] + new2 * g * g
      parameter[i] -= rate * state[0][i] / (.sqrt(state[1][i] / bias) + epsilon)
    }
  }
}

func trainedByAdam<Scalar>(
  _ network: Network<Scalar>, on backend: some Backend<Scalar>
) throws -> Solver<Scalar> {
  try Solver(
    SolverSpecification(baseLearningRate: 0.001, weightDecay: 5e-4, gradientNormLimit: 5),
    network: network, backend: backend, rule: Adam())
}

/// Another rule, whose rate grows from 0 to what the policy says in the first iterations.
struct WarmUp: UpdateRule {
  var rule: any UpdateRule = SGD()
  var iterations = 500

  var name: String { rule.name }
  var stateCount: Int { rule.stateCount }
  var lastStep: Int? { rule.lastStep }

  func take<Scalar: Tensors.Scalar>(
    _ step: SGDStep, iteration: Int, on parameter: inout Tensor<Scalar>,
    state: inout [Tensor<Scalar>], gradient: Tensor<Scalar>, backend: any Backend<Scalar>
  ) {
    var step = step
    step.rate *= min(1, Double(iteration + 1) / Double(iterations))
    rule.take(
      step, iteration: iteration, on: &parameter, state: &state, gradient: gradient,
      backend: backend)
  }
}
