import Layers
import Networks
import Tensors
import Testing
import Training

/// Six numbers an image to three scores: small enough to follow by hand.
private func scores() -> NetworkDefinition {
  var net = NetworkBuilder(name: "scores", channels: 6, height: 1, width: 1)
  let top = net.add(
    "fc", InnerProductSpecification(outputs: 3), net.data,
    parameters: [
      ParameterDefinition(filler: .gaussian(deviation: 0.5)),
      ParameterDefinition(
        filler: .uniform(low: -1, high: 1), learningRateMultiplier: 2, decayMultiplier: 0),
    ])
  net.softmaxWithLoss("loss", top)
  return net.definition
}

/// A batch of four, another one for every number.
private func load(_ number: Int, into network: Network<Float>) throws {
  var generator = SplitMix64(seed: 100 + UInt64(number))
  try network.load(
    images: .normal(network.input.shape, deviation: 3, using: &generator),
    labels: (0..<4).map { ($0 + number) % 3 })
}

/// The rules of a step against the same rules written out in Double.
@Suite("Rules of the solver")
struct SolverRuleTests {
  /// Takes three steps of `passes` batches each and checks every parameter and its history.
  ///
  /// Within 2e-6 of the largest magnitude: a step is four Float operations, each within 6e-8, and
  /// the parameters start anew from the solver's own before every step.
  private func check(_ twin: Twin, _ specification: SolverSpecification) throws {
    let network = try Network(scores(), backend: twin.backend, batch: 4, seed: 3)
    let probe = try Network(scores(), backend: twin.backend, batch: 4, seed: 3)
    let solver = try Solver(specification, network: network, backend: twin.backend)
    let passes = specification.gradientAccumulationSteps
    for step in 0..<3 {
      let before = network.parameters[0].map { $0.elements.map(Double.init) }
      let history = solver.momentumBuffers[0].map { $0.elements.map(Double.init) }
      // The gradients of each batch alone, added here.
      var sums = before.map { [Double](repeating: 0, count: $0.count) }
      probe.parameters = network.parameters
      for pass in 0..<passes {
        try load(step * passes + pass, into: probe)
        try probe.forward()
        probe.backward()
        for number in 0..<2 {
          for (i, value) in probe.parameterGradients[0][number].elements.enumerated() {
            sums[number][i] += Double(value)
          }
        }
      }
      let norm = sums.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
      var scale = 1.0
      if let limit = specification.gradientNormLimit {
        // A limit that isn't reached would test nothing.
        #expect(norm > Double(limit), "step \(step)")
        scale = min(1, Double(limit) / norm)
      }

      var pass = step * passes
      _ = try solver.step {
        try load(pass, into: $0)
        pass += 1
      }
      for (number, multipliers) in [(0, (1.0, 1.0)), (1, (2.0, 0.0))] {
        let rate = Double(specification.baseLearningRate) * multipliers.0
        let decay = Double(specification.weightDecay) * multipliers.1
        var expected: (parameter: [Double], history: [Double]) = ([], [])
        for (i, w) in before[number].enumerated() {
          let pull = specification.regularization == .l2 ? w : w > 0 ? 1 : w < 0 ? -1 : 0
          let g = scale * sums[number][i] / Double(passes) + decay * pull
          let h = rate * g + Double(specification.momentum) * history[number][i]
          expected.parameter.append(w - h)
          expected.history.append(h)
        }
        expectClose(network.parameters[0][number], expected.parameter)
        expectClose(solver.momentumBuffers[0][number], expected.history)
      }
    }
  }

  private func expectClose(_ actual: Tensor<Float>, _ expected: [Double]) {
    let scale = expected.map(\.magnitude).max() ?? 0
    let difference = zip(actual.elements, expected).map { abs(Double($0) - $1) }.max() ?? 0
    #expect(difference <= 2e-6 * scale)
  }

  @Test("L1 and L2", arguments: Twin.allCases, SGDStep.Regularization.allCases)
  func regularization(twin: Twin, regularization: SGDStep.Regularization) throws {
    try check(
      twin,
      SolverSpecification(
        baseLearningRate: 0.05, momentum: 0.9, weightDecay: 0.2, regularization: regularization))
  }

  @Test("a step of several passes is one step of their mean", arguments: Twin.allCases)
  func passes(twin: Twin) throws {
    try check(
      twin,
      SolverSpecification(
        baseLearningRate: 0.05, momentum: 0.9, weightDecay: 0.01, gradientAccumulationSteps: 3))
  }

  @Test("clips all gradients together, before the mean of the passes", arguments: Twin.allCases)
  func clipping(twin: Twin) throws {
    for passes in [1, 2] {
      try check(
        twin,
        SolverSpecification(
          baseLearningRate: 0.05, momentum: 0.5, gradientNormLimit: 0.4,
          gradientAccumulationSteps: passes))
    }
  }

  @Test("a limit that isn't reached changes nothing", arguments: Twin.allCases)
  func looseLimit(twin: Twin) throws {
    func run(limit: Float?) throws -> [[Tensor<Float>]] {
      let network = try Network(scores(), backend: twin.backend, batch: 4)
      let solver = try Solver(
        SolverSpecification(baseLearningRate: 0.05, gradientNormLimit: limit), network: network,
        backend: twin.backend)
      _ = try solver.step { try load(0, into: $0) }
      return network.parameters
    }
    #expect(try run(limit: 1e6) == run(limit: nil))
  }

  @Test("goes on only from where a run of the same network stood")
  func resuming() throws {
    let backend = Twin.fast.backend
    let network = try Network(scores(), backend: backend, batch: 4)
    let solver = try Solver(
      SolverSpecification(baseLearningRate: 0.1), network: network, backend: backend)
    let negative = #expect(throws: SolverError.self) {
      try solver.resume(iteration: -1, states: solver.states)
    }
    #expect(negative?.description == "solver: iteration -1 must not be negative")
    let other = #expect(throws: SolverError.self) {
      try solver.resume(iteration: 1, states: [[[Tensor(Shape(3, 6))], [Tensor(Shape(4))]]])
    }
    #expect(
      other?.description == "solver: states of rule sgd must be 1 for each parameter, of its shape")
    #expect(solver.iteration == 0)
  }

  /// No ReLU stands between, of which the greater of 0 and no number may be 0.
  @Test("images that are no numbers are blamed, not the first layer that meets them")
  func poisonedImages() throws {
    let backend = Twin.fast.backend
    let network = try Network(scores(), backend: backend, batch: 4)
    let solver = try Solver(
      SolverSpecification(baseLearningRate: 0.1), network: network, backend: backend)
    let error = #expect(throws: Divergence.self) {
      try solver.step { network in
        try network.load(
          images: Tensor(network.input.shape, repeating: .nan), labels: [0, 1, 2, 0])
      }
    }
    #expect(error?.layer == network.definition.data)
    #expect(error?.place == "the images")
  }

  @Test("can't train a network that keeps no gradients")
  func noGradients() throws {
    let backend = Twin.fast.backend
    let network = try Network(scores(), backend: backend, batch: 4, gradients: .none)
    let error = #expect(throws: SolverError.self) {
      try Solver(SolverSpecification(baseLearningRate: 0.1), network: network, backend: backend)
    }
    #expect(error?.setting == "network")
  }

  @Test(
    "policies that Caffe refuses, or that could only train NaN",
    arguments: [
      (
        LearningRatePolicy.step(gamma: -0.5, stepSize: 3), "gamma -0.5 must be finite, not negative"
      ),
      (.step(gamma: 0.1, stepSize: 0), "step size 0 must be at least 1"),
      (.exponential(gamma: .nan), "gamma nan must be finite, not negative"),
      (.multistep(gamma: .infinity, stepValues: [3]), "gamma inf must be finite, not negative"),
      (.inverse(gamma: -1, power: 1), "gamma -1.0 must be finite, not negative"),
      (.inverse(gamma: 1, power: .nan), "power nan must be finite"),
      (.sigmoid(gamma: -1, stepSize: 3), "gamma -1.0 must be finite, not negative"),
      (.sigmoid(gamma: 1, stepSize: 0), "step size 0 must be at least 1"),
      (.polynomial(power: .infinity, maxIterations: 3), "power inf must be finite"),
    ])
  func policies(policy: LearningRatePolicy, rule: String) {
    let error = #expect(throws: SolverError.self) {
      try Solver(
        SolverSpecification(baseLearningRate: 0.1, policy: policy),
        network: Network(scores(), backend: Twin.fast.backend, batch: 4), backend: Twin.fast.backend
      )
    }
    #expect(error?.description == "solver: " + rule)
  }
}
