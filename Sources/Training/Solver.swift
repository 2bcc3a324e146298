import Layers
import Networks
import RealModule
import Tensors

/// Gradient descent on a network: by SGD, or by an `UpdateRule` of one's own.
///
/// Only what is learned by its gradient is changed: the state of a layer, a running mean for example, has
/// no gradient, no decay and no momentum.
///
/// Source: Caffe's `sgd_solver.cpp` and `solver.cpp`.
public final class Solver<Scalar: Tensors.Scalar> {
  /// How it trains.
  public let specification: SolverSpecification
  /// What it trains.
  public let network: Network<Scalar>
  /// How many steps have been taken.
  public private(set) var iteration = 0
  /// What changes a parameter once its gradient is known.
  public let rule: any UpdateRule
  /// What the rule remembers, by layer and parameter in the order of the network's: `rule.stateCount` tensors
  /// of the parameter's shape for each.
  public private(set) var states: [[[Tensor<Scalar>]]]
  /// The blocks that a batch is cut into, each as large as the network's batch, and who computes which.
  public let plan: BlockPlan
  /// The processes that train this network together.
  public let communicator: any Communicator
  /// By layer, the losses and metrics of the last batch: means over its blocks.
  public private(set) var results: [String: Scalar] = [:]

  /// How often the rate of the last step had been lowered: the `current_step` of Caffe's snapshots.
  public private(set) var stepCount = 0

  private let backend: any Backend<Scalar>
  private let sum: GradientSum<Scalar>

  /// A solver at iteration 0.
  ///
  /// - Parameters:
  ///   - specification: how to train.
  ///   - network: what to train; it must have been made with gradients. Its batch is one block.
  ///   - backend: whose version of the step to take.
  ///   - rule: what changes a parameter once its gradient is known.
  ///   - blocks: how many blocks make a batch. With one, the network's randomness goes on from pass to
  ///     pass; with several, each block draws from a generator of its own.
  ///   - communicator: the processes that share the blocks. All of them have a solver of these settings
  ///     and a network with these parameters, and call the same methods.
  ///   - overlaps: whether gradients are exchanged while others are computed, which wants a core
  ///     for itself; it changes nothing but the time it takes.
  /// - Throws: `SolverError` for settings that can't work, among them more ranks than blocks.
  /// - Complexity: O(parameters), allocating as many numbers for the momentum buffers, or those of another
  ///   rule.
  public init(
    _ specification: SolverSpecification, network: Network<Scalar>, backend: any Backend<Scalar>,
    rule: any UpdateRule = SGD(), blocks: Int = 1, communicator: any Communicator = SingleProcess(),
    overlaps: Bool = false
  ) throws(SolverError) {
    try specification.validate()
    plan = try BlockPlan(blocks: blocks, ranks: communicator.size)
    let withState = network.plan.layers.first { $0.parameters.contains { !$0.isLearned } }
    if blocks > 1, let withState {
      throw SolverError(
        setting: "\(blocks) blocks",
        rule:
          "don't go with layer \(withState.name): what it remembers beside what is learned would "
          + "depend on who computes which block; train in one block")
    }
    guard network.parameterGradients.count == network.parameters.count else {
      throw SolverError(setting: "network", rule: "must be made with gradients of its parameters")
    }
    self.specification = specification
    self.network = network
    self.backend = backend
    self.communicator = communicator
    sum = GradientSum(plan, network: network, communicator: communicator, overlaps: overlaps)
    self.rule = rule
    states = network.parameters.map {
      $0.map { parameter in (0..<rule.stateCount).map { _ in Tensor(parameter.shape) } }
    }
  }

  /// Goes on where another run stood.
  ///
  /// - Parameters:
  ///   - iteration: how many steps that run had taken.
  ///   - states: what its rule remembered, by layer and parameter: of SGD, one momentum buffer for each.
  ///   - stepCount: how often its rate had been lowered; if left out, as often as this policy does.
  /// - Throws: `SolverError` for a negative iteration or states of other counts or shapes.
  /// - Complexity: O(tensors): they are taken over, not copied; O(step values) to count them.
  public func resume(
    iteration: Int, states: [[[Tensor<Scalar>]]], stepCount: Int? = nil
  ) throws(SolverError) {
    guard iteration >= 0 else {
      throw SolverError(setting: "iteration \(iteration)", rule: "must not be negative")
    }
    guard
      states.map({ $0.map { $0.map(\.shape) } }) == self.states.map({ $0.map { $0.map(\.shape) } })
    else {
      throw SolverError(
        setting: "states of rule \(rule.name)",
        rule: "must be \(rule.stateCount) for each parameter, of its shape")
    }
    self.iteration = iteration
    self.states = states
    self.stepCount = stepCount ?? specification.policy.stepCount(iteration: max(iteration - 1, 0))
  }

  /// The learning rate of the next step.
  ///
  /// - Complexity: O(1).
  public var learningRate: Float {
    specification.policy.rate(
      base: specification.baseLearningRate, iteration: iteration, stepCount: nextStepCount)
  }

  private var nextStepCount: Int {
    specification.policy.stepCount(iteration: iteration, after: stepCount)
  }

  /// Takes one step: forwards, backwards, update.
  ///
  /// Gradients are added in a fixed order: those of a block's passes one after the other, then those of
  /// the blocks as `BlockPlan` says. So parameters have the same bits on any number of ranks.
  ///
  /// - Parameter load: gives the network its next block; called for each pass once for each block of
  ///   this rank.
  /// - Returns: the loss before the update, averaged over passes and blocks.
  /// - Throws: what `load` throws; `LayerError` for labels that don't fit; `Divergence` when the
  ///   loss is no finite number or a blob holds a NaN, before anything has been changed by it, and when
  ///   the update has made a parameter infinite or NaN; what a communicator throws.
  ///   With several ranks, whoever catches an error has to end the others (`Communicator.abort`).
  /// - Complexity: For each pass and block, `load`, a forward and a backward pass of the network and
  ///   O(blobs); for each block but one, O(parameters) to add, and memory for log₂ of the rank's blocks
  ///   gradients, or for all of its blocks with several passes; the exchange of 2·(R − 1)/R gradients with
  ///   R ranks; then O(parameters) for the update, and as much again for the gradients' norm if it is
  ///   limited. After a divergence, O(parameters + blobs) to find where it began.
  public func step(load: (Network<Scalar>) throws -> Void) throws -> Scalar {
    let passes = specification.gradientAccumulationSteps
    let reports = try run(passes: passes, load: load) { block, pass, loss in
      if let divergence = Divergence(
        blobsOf: network, loss: loss.doubleValue, iteration: iteration)
      {
        throw divergence
      }
      try sum.backward(block, accumulating: pass > 0, isComplete: pass == passes - 1)
    }
    try sum.finish()
    let loss = try mean(reports, passes: passes)
    update()
    if let divergence = Divergence(
      parametersOf: network, loss: loss.doubleValue, iteration: iteration)
    {
      throw divergence
    }
    stepCount = nextStepCount
    iteration += 1
    return loss
  }

  /// The loss of the next batch, from which nothing is learned.
  ///
  /// - Parameter load: as for `step`.
  /// - Returns: the mean over the blocks.
  /// - Throws: as `step`.
  /// - Complexity: `load` and a forward pass for each block of this rank.
  public func loss(load: (Network<Scalar>) throws -> Void) throws -> Scalar {
    try mean(run(passes: 1, load: load) { _, _, _ in }, passes: 1)
  }

  /// For how long the computation has waited for other ranks and what they send, all in all.
  public var exchangeDuration: Duration { sum.waiting }

  /// What a block's forward passes gave.
  private struct Report {
    /// The sum of the losses of its passes.
    var loss: Scalar = 0
    /// The network's results in its last pass.
    var results: [String: Scalar] = [:]
  }

  /// Runs the blocks of this rank forwards, each followed by `body`.
  private func run(
    passes: Int, load: (Network<Scalar>) throws -> Void,
    body: (_ block: Int, _ pass: Int, _ loss: Scalar) throws -> Void
  ) throws -> [Report] {
    let own = plan.blocks(of: communicator.rank)
    let random = network.context.random
    defer { if plan.blocks > 1 { network.context.random = random } }
    var reports = own.map { _ in Report() }
    for pass in 0..<passes {
      for (number, block) in own.enumerated() {
        if plan.blocks > 1 {
          network.context.random = random.forBlock(
            block, pass: iteration * specification.gradientAccumulationSteps + pass)
        }
        try load(network)
        let loss = try network.forward()
        guard loss.doubleValue.isFinite else {
          throw Divergence(loss: loss.doubleValue, iteration: iteration, in: network)
        }
        reports[number].loss += loss
        reports[number].results = network.results
        try body(block, pass, loss)
      }
    }
    return reports
  }

  /// The mean loss over the blocks of all ranks; sets `results`.
  private func mean(_ reports: [Report], passes: Int) throws -> Scalar {
    let names = reports[0].results.keys.sorted()
    let width = 1 + names.count
    // Every scalar is a Double without loss.
    let own = reports.flatMap { report in
      ([report.loss] + names.map { report.results[$0] ?? 0 }).map(\.doubleValue)
    }
    let all = try self.sum.measureWaiting {
      try communicator.gather(
        own, counts: (0..<plan.ranks).map { plan.blocks(of: $0).count * width }, zero: 0)
    }
    // In the order of the blocks, whoever has computed them.
    func sum(ofColumn column: Int) -> Scalar {
      stride(from: column, to: all.count, by: width).reduce(0) { $0 + Scalar(all[$1]) }
    }
    for (number, name) in names.enumerated() {
      results[name] = sum(ofColumn: 1 + number) / Scalar(Double(plan.blocks))
    }
    return sum(ofColumn: 0) / Scalar(Double(passes * plan.blocks))
  }

  private func update() {
    // Losses are means over the images of a block: the batch's gradient is the mean of the blocks'.
    let scale =
      clippingScale() / Double(specification.gradientAccumulationSteps * plan.blocks)
    let rate = learningRate
    for (layer, definition) in network.definition.layers.enumerated() {
      let parameters = network.plan.layers[layer].parameters
      let owners = network.plan.layers[layer].owners
      for index in parameters.indices where parameters[index].isLearned && owners[index] == nil {
        let learning = definition.parameter(index)
        let step = SGDStep(
          rate: Double(rate * learning.learningRateMultiplier),
          momentum: Double(specification.momentum),
          decay: Double(specification.weightDecay * learning.decayMultiplier),
          regularization: specification.regularization, gradientScale: scale)
        let gradient = network.parameterGradients[layer][index]
        rule.take(
          step, iteration: iteration, on: &network.parameters[layer][index],
          state: &states[layer][index], gradient: gradient, backend: backend)
      }
    }
    network.shareParameters()
  }

  /// What brings the L2 norm of all gradients together down to its limit; 1 where it isn't above.
  private func clippingScale() -> Double {
    guard let limit = specification.gradientNormLimit else { return 1 }
    let squares = network.parameterGradients.joined().reduce(0) { $0 + $1.squaredNorm }
    let norm = squares.squareRoot() / Double(plan.blocks)
    return norm > Double(limit) ? Double(limit) / norm : 1
  }
}

extension Solver {
  /// The last step of each parameter, in the order of the network's: what the momentum of SGD remembers
  /// (Caffe: history), and the first state of another rule.
  ///
  /// - Complexity: O(tensors): the numbers are shared, not copied.
  public var momentumBuffers: [[Tensor<Scalar>]] { states.map { $0.compactMap(\.first) } }

  /// Gives all ranks the iteration, parameters and states of rank 0.
  ///
  /// - Throws: what the communicator throws.
  /// - Complexity: O(parameters), behind the slowest rank.
  public func broadcastState() throws {
    guard communicator.size > 1 else { return }
    iteration = try communicator.broadcast(iteration)
    stepCount = try communicator.broadcast(stepCount)
    for layer in network.parameters.indices {
      for index in network.parameters[layer].indices {
        try network.parameters[layer][index].elements.withUnsafeMutableBytes {
          try communicator.broadcast($0)
        }
        for number in states[layer][index].indices {
          try states[layer][index][number].elements.withUnsafeMutableBytes {
            try communicator.broadcast($0)
          }
        }
      }
    }
    network.shareParameters()
  }
}

extension MersenneTwister {
  /// The generator of one block in one pass, which can be had without drawing what other blocks draw.
  ///
  /// - Parameter pass: counted over the whole run.
  fileprivate func forBlock(_ block: Int, pass: Int) -> MersenneTwister {
    var (run, seed) = (self, UInt64(0))
    let (first, second): (UInt32, UInt32) = (run.next(), run.next())
    for number in [UInt64(first), UInt64(second), UInt64(pass), UInt64(block)] {
      var mixer = SplitMix64(seed: seed ^ number)
      seed = mixer.next()
    }
    return MersenneTwister(seed: UInt32(truncatingIfNeeded: seed))
  }
}
