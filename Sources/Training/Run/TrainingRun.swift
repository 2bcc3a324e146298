import Datasets
import Layers
import Networks
import Tensors

/// A network in training: a solver, the batches it learns from, and what it is tested on.
///
/// Everything that decides how it goes on is in its snapshot, so that a run which was stopped and
/// resumed ends with the same bits as one that was not.
public final class TrainingRun<Scalar: Tensors.Scalar> {
  /// What takes the steps.
  public let solver: Solver<Scalar>
  /// What has been measured so far.
  public private(set) var log = TrainingLog()
  /// Where the loader stands behind the last batch that was learnt from; of several loaders the first.
  ///
  /// - Complexity: O(feeders).
  public var loaderState: LoaderState {
    feeders.lazy.compactMap(\.state).first ?? LoaderState(seed: 0)
  }

  private let feeders: [InputFeeder]
  private let evaluation: Evaluation<Scalar>?

  /// A run at iteration 0.
  ///
  /// - Parameters:
  ///   - solver: what takes the steps.
  ///   - loader: the batches to learn from, each of one block. Of the blocks of other ranks nothing is
  ///     read.
  ///   - evaluation: what to test on, if at all.
  ///   - depth: how many batches are made ahead; it changes nothing but the time it takes.
  /// - Complexity: O(1) here; with a depth above 0 the first batches are made meanwhile, on a
  ///   thread of their own.
  public convenience init(
    _ solver: Solver<Scalar>, loader: BatchLoader, evaluation: Evaluation<Scalar>? = nil,
    depth: Int = 2
  ) {
    let definition = solver.network.definition
    let own = loader.taking(
      solver.plan.blocks(of: solver.communicator.rank), ofEach: solver.plan.blocks)
    self.init(
      solver,
      feeders: [InputFeeder(own, images: definition.data, labels: definition.label, depth: depth)],
      evaluation: evaluation)
  }

  /// A run at iteration 0 of a network with any number of data layers.
  ///
  /// - Parameters:
  ///   - solver: what takes the steps.
  ///   - feeders: what fills the network's inputs, each with the blocks of this rank alone: their loaders
  ///     are `BatchLoader.taking(_:ofEach:)` of the solver's plan. A `Snapshot` remembers where one loader stands, so
  ///     that a run with several goes on from one only as Caffe's do: with its data from their start.
  ///   - evaluation: what to test on, if at all.
  public init(
    _ solver: Solver<Scalar>, feeders: [InputFeeder], evaluation: Evaluation<Scalar>? = nil
  ) {
    self.solver = solver
    self.evaluation = evaluation
    self.feeders = feeders
  }

  /// The network that learns.
  public var network: Network<Scalar> { solver.network }

  /// Takes one iteration.
  ///
  /// - Returns: the loss on its batches, before the update.
  /// - Throws: `Divergence` when the loss is no finite number, `DatasetError` or `LayerError` when
  ///   images or labels can't be read or don't fit.
  /// - Complexity: That of `Solver.step`; waits for a batch if none is ready.
  @discardableResult
  public func step() throws -> Scalar {
    let loss = try feeders.namingRecords(of: network) {
      try solver.step { try feeders.loadNext(into: $0) }
    }
    log.losses.append(loss.doubleValue)
    return loss
  }

  /// The loss of the next batch, which is not learnt from.
  ///
  /// - Throws: `DatasetError` or `LayerError` when images or labels can't be read or don't fit.
  /// - Complexity: That of `Solver.loss`; waits for a batch if none is ready.
  public func lossOfNextBatch() throws -> Scalar {
    try feeders.namingRecords(of: network) {
      try solver.loss { try feeders.loadNext(into: $0) }
    }
  }

  /// Tests what the network has learnt so far; `nil` without anything to test on.
  ///
  /// - Throws: `DatasetError` or `LayerError` when images or labels can't be read or don't fit.
  /// - Complexity: That of `Evaluation.evaluate`.
  public func test() throws -> EvaluationResult? {
    guard let evaluation else { return nil }
    let result = try evaluation.evaluate(network.parameters)
    log.tests.removeAll { $0.iteration == solver.iteration }
    log.tests.append(
      .init(
        iteration: solver.iteration, loss: result.loss, accuracy: result.accuracy,
        updateRatios: updateRatios.flatMap(\.ratios)))
    return result
  }

  /// All that a run needs to go on from here, and the settings that its owner wants to find again.
  ///
  /// - Throws: `Divergence` when a parameter is no finite number: such a snapshot is of no use.
  /// - Complexity: O(parameters), copying them and what the update rule remembers.
  public func snapshot(settings: [UInt8] = []) throws(Divergence) -> Snapshot {
    if let divergence = Divergence(parametersOf: network, iteration: solver.iteration) {
      throw divergence
    }
    return Snapshot(of: solver, loader: loaderState, log: log, settings: settings)
  }

  /// Goes on where a snapshot was taken. The loader has to be one at `snapshot.loader`.
  ///
  /// - Throws: `SnapshotError` when the snapshot is of another network, update rule or precision.
  /// - Complexity: O(parameters).
  public func resume(_ snapshot: Snapshot) throws {
    let states = try snapshot.states(of: solver.rule, for: network)
    try snapshot.restore(network)
    try solver.resume(iteration: snapshot.iteration, states: states)
    log = snapshot.log
  }
}

extension TrainingRun {
  /// The size of the last step against that of the parameter, ‖Δw‖ / ‖w‖, for each parameter of
  /// each layer: about 10⁻³ is a usual sign of health. 0 where a parameter is 0 throughout. Empty with an
  /// update rule that doesn't remember its last step.
  ///
  /// - Complexity: O(parameters).
  public var updateRatios: [(layer: String, ratios: [Double])] {
    guard let lastStep = solver.rule.lastStep else { return [] }
    return zip(network.definition.layers, zip(network.parameters, solver.states)).compactMap {
      layer, values in
      let ratios = zip(values.0, values.1).map { parameter, state in
        let norm = parameter.squaredNorm
        return norm == 0 ? 0 : (state[lastStep].squaredNorm / norm).squareRoot()
      }
      return ratios.isEmpty ? nil : (layer.name, ratios)
    }
  }
}

extension TrainingRun {
  /// Fails on all ranks unless they were started with the same program, settings, data and parameters as
  /// rank 0.
  ///
  /// - Parameters:
  ///   - program: what tells builds apart.
  ///   - settings: the settings, a line each.
  /// - Throws: `SharedError` that says which ranks differ in what.
  /// - Complexity: O(parameters), and reading three records of each source.
  public func requireSameStart(program: String, settings: String) throws {
    let communicator = solver.communicator
    guard communicator.size > 1 else { return }
    let data = try communicator.together {
      try feeders.compactMap(\.records).map(Fingerprint.text).joined(separator: "\n")
    }
    try communicator.requireSame(
      ["program": program, "settings": settings, "data": data],
      remedies: [
        "program": "Copy the same build to all machines",
        "settings": "Give all ranks the same options and files",
        "data": "Give all machines the same pictures, in the same order",
      ])
    try requireSameParameters()
  }

  /// Fails on all ranks unless they have the same parameters, bit for bit.
  ///
  /// - Throws: `SharedError` that names the ranks.
  /// - Complexity: O(parameters).
  public func requireSameParameters() throws {
    guard solver.communicator.size > 1 else { return }
    try solver.communicator.requireSame(
      ["parameters": network.parameterDigest],
      remedies: ["parameters": "They can't go on together; start again from the last snapshot"])
  }
}

extension Network {
  /// A number of 64 bits, in hexadecimal, that any changed bit of any parameter changes.
  ///
  /// Source: FNV-1a (Fowler, Noll and Vo), over the bits of each number instead of each byte.
  ///
  /// - Complexity: O(parameters), one after the other.
  public var parameterDigest: String {
    var fingerprint = Fingerprint()
    for tensor in parameters.joined() {
      if let floats = tensor as? Tensor<Float> {
        for element in floats.elements { fingerprint.add(UInt64(element.bitPattern)) }
      } else {
        for element in tensor.elements { fingerprint.add(element.doubleValue.bitPattern) }
      }
    }
    return fingerprint.text
  }
}
