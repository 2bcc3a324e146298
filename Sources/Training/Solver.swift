import Layers
import Networks
import RealModule
import Tensors

/// Stochastic gradient descent on a network.
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
  /// The last step of each parameter, in the order of the network's: what momentum
  /// remembers (Caffe: history).
  public private(set) var momentumBuffers: [[Tensor<Scalar>]]

  /// How often the rate of the last step had been lowered: the `current_step` of Caffe's snapshots.
  public private(set) var stepCount = 0

  private let backend: any Backend<Scalar>

  /// A solver at iteration 0.
  ///
  /// - Parameters:
  ///   - specification: how to train.
  ///   - network: what to train; it must have been made with gradients.
  ///   - backend: whose version of the step to take.
  /// - Throws: `SolverError` for settings that can't work.
  /// - Complexity: O(parameters), allocating as many numbers for the momentum buffers.
  public init(
    _ specification: SolverSpecification, network: Network<Scalar>, backend: any Backend<Scalar>
  ) throws(SolverError) {
    try specification.validate()
    guard network.parameterGradients.count == network.parameters.count else {
      throw SolverError(setting: "network", rule: "must be made with gradients of its parameters")
    }
    self.specification = specification
    self.network = network
    self.backend = backend
    momentumBuffers = network.parameters.map { $0.map { Tensor($0.shape) } }
  }

  /// Goes on where another run stood.
  ///
  /// - Parameters:
  ///   - iteration: how many steps that run had taken.
  ///   - momentumBuffers: its last steps, in the order and the shapes of the network's parameters.
  ///   - stepCount: how often its rate had been lowered; if left out, as often as this policy does.
  /// - Throws: `SolverError` for a negative iteration or buffers of other shapes.
  /// - Complexity: O(1): the tensors are taken over; O(step values) to count them.
  public func resume(
    iteration: Int, momentumBuffers: [[Tensor<Scalar>]], stepCount: Int? = nil
  ) throws(SolverError) {
    guard iteration >= 0 else {
      throw SolverError(setting: "iteration \(iteration)", rule: "must not be negative")
    }
    guard momentumBuffers.map({ $0.map(\.shape) }) == network.parameters.map({ $0.map(\.shape) })
    else {
      throw SolverError(setting: "momentum buffers", rule: "must have the shapes of the parameters")
    }
    self.iteration = iteration
    self.momentumBuffers = momentumBuffers
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
  /// - Parameter load: gives the network its next batch; called once for each pass.
  /// - Returns: the loss before the update, averaged over the passes.
  /// - Throws: what `load` throws; `LayerError` for labels that don't fit; `Divergence` when the
  ///   loss is no finite number or a blob holds a NaN, before anything has been changed by it, and when
  ///   the update has made a parameter infinite or NaN.
  /// - Complexity: For each pass, `load`, a forward and a backward pass of the network and O(blobs);
  ///   then O(parameters) for the update, and as much again for the gradients' norm if it is limited.
  ///   After a divergence, O(parameters + blobs) to find where it began.
  public func step(load: (Network<Scalar>) throws -> Void) throws -> Scalar {
    var loss: Scalar = 0
    for pass in 0..<specification.gradientAccumulationSteps {
      try load(network)
      let part = try network.forward()
      guard part.doubleValue.isFinite else {
        throw Divergence(loss: part.doubleValue, iteration: iteration, in: network)
      }
      if let divergence = Divergence(
        blobsOf: network, loss: part.doubleValue, iteration: iteration)
      {
        throw divergence
      }
      loss += part
      network.backward(accumulating: pass > 0)
    }
    update()
    if let divergence = Divergence(
      parametersOf: network, loss: loss.doubleValue, iteration: iteration)
    {
      throw divergence
    }
    stepCount = nextStepCount
    iteration += 1
    return loss / Scalar(Double(specification.gradientAccumulationSteps))
  }

  private func update() {
    let scale = clippingScale() / Double(specification.gradientAccumulationSteps)
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
        backend.take(
          step, on: &network.parameters[layer][index],
          momentumBuffer: &momentumBuffers[layer][index],
          gradient: gradient)
      }
    }
    network.shareParameters()
  }

  /// What brings the L2 norm of all gradients together down to its limit; 1 where it isn't above.
  private func clippingScale() -> Double {
    guard let limit = specification.gradientNormLimit else { return 1 }
    let squares = network.parameterGradients.joined().reduce(0) { $0 + $1.squaredNorm }
    let norm = squares.squareRoot()
    return norm > Double(limit) ? Double(limit) / norm : 1
  }
}
