import CaffeFormats
import CaffeMessages
import Foundation
import Layers
import Networks
import Tensors
import Training
import Tuned
import WholeFiles

/// A training run that a `solver.prototxt` describes, in Caffe's order of things and with Caffe's
/// words.
///
/// ```swift
/// let run = try SolverRun(URL(filePath: "solver.prototxt")) { print($0) }
/// try run.solve()
/// ```
///
/// Source: Caffe's `solver.cpp`, `Solve`, `Step` and `TestAll`, and `sgd_solver.cpp`.
public final class SolverRun {
  /// The network in training, and the batches that it learns from.
  public let training: TrainingRun<Float>
  /// The models that the file itself names to start from, `weights`.
  public let initialModels: [URL]

  private let file: SolverFile
  private let caffe: CaffeNetwork
  private let tests: [NetworkTest]
  private let log: (String) -> Void
  /// By a clock that nobody sets.
  private var lastDisplay: (iteration: Int, time: ContinuousClock.Instant)
  /// How often the rate of `multistep` had been lowered before this iteration.
  private var lastStepCount = 0

  /// What takes the steps.
  public var solver: Solver<Float> { training.solver }

  /// A run at iteration 0.
  ///
  /// - Parameters:
  ///   - url: the `solver.prototxt`.
  ///   - blocks: how many blocks each batch is cut into. The passes of `iter_size` are added up in each
  ///     block first, then the blocks in the order of `BlockPlan`.
  ///   - communicator: the processes that share the blocks; rank 0 tests and writes snapshots.
  ///   - overlaps: whether gradients are exchanged while others are computed.
  ///   - backend: which layers it runs on.
  ///   - log: told each line, without Caffe's date and place in front.
  /// - Throws: `CaffeFileError`, `DatasetError`, `LayerError` or `SolverError` for files that can't
  ///   be used or don't fit together, `MemoryError` for what is too large for this process.
  /// - Complexity: O(parameters) to draw them, and memory for parameters, gradients and blobs; the
  ///   databases are looked through once.
  public init(
    _ url: URL, blocks: Int = 1, communicator: any Communicator = SingleProcess(),
    overlaps: Bool = false, backend: TunedBackend = TunedBackend(),
    log: @escaping (String) -> Void
  ) throws {
    file = try SolverFile(contentsOf: url)
    self.log = log
    initialModels = file.message.weights.flatMap {
      Self.models($0)
    }
    let (folder, seed) = (url.deletingLastPathComponent(), file.seed)
    let plan = try BlockPlan(blocks: blocks, ranks: communicator.size)
    var seeds = MersenneTwister(seed: seed)
    let (caffe, feeders) = try file.training.open(
      training: true, beside: folder, seeds: &seeds, plan: plan, rank: communicator.rank)
    guard blocks == 1 || !file.message.debugInfo else {
      throw CaffeFileError(
        file: url.relativePath,
        problem:
          "debug_info tells of whole batches, not of \(blocks) blocks (--blocks): leave out one "
          + "of the two")
    }
    self.caffe = caffe
    let (definition, batch) = (caffe.definition(blocks: blocks), caffe.batch / blocks)
    // The last are a test's.
    try MemoryNeed(
      NetworkPlan(definition, batch: batch), [.network, .momentum, .snapshot, .blobs(1)]
    ).require()
    let network = try caffe.locatingErrors { () throws(LayerError) in
      try Network(
        definition, backend: backend, batch: batch,
        gradients: caffe.message.forceBackward ? .parametersAndInput : .parameters, seed: seed,
        keepingGradients: false)
    }
    training = TrainingRun(
      try Solver(
        file.specification, network: network, backend: backend, blocks: blocks,
        communicator: communicator, overlaps: overlaps), feeders: feeders)
    tests = try (communicator.rank == 0 ? file.testing : []).map {
      let test = try NetworkTest($0, backend: backend, beside: folder, seeds: &seeds)
      // It is lent those of the net that learns.
      test.network.parameters = []
      return test
    }
    lastDisplay = (0, .now)
    if file.message.debugInfo {
      DebugInfo(caffe, backwards: true, log: log).observe(network) {
        [unowned training, file] in
        // Caffe says it of the iterations that it displays. Where it displays none, of all.
        let interval = Int(file.message.display)
        return interval == 0
          || TrainingLoop.Schedule.isDue(interval, at: training.solver.iteration)
      }
      for test in tests { test.printDebugInfo(log) }
    }
  }

  /// The files that a list names, separated by commas; spaces around them don't count.
  ///
  /// - Complexity: O(length) of the list.
  public static func models(_ list: String) -> [URL] {
    list.split(separator: ",").map { URL(fileNamed: $0.trimmingCharacters(in: .whitespaces)) }
  }

  /// Takes over parameters by the names of layers.
  ///
  /// - Throws: `CaffeFileError` for a damaged file, or parameters of other shapes.
  /// - Complexity: O(length) of the file.
  public func start(from model: URL) throws {
    log("Finetuning from \(model.relativePath)")
    let report = try CaffeModel(contentsOf: model).copy(into: solver.network)
    for layer in report.ignored { log("Ignoring source layer \(layer)") }
  }

  /// Goes on where a `.solverstate` was written. As in Caffe, the data start from their beginning.
  ///
  /// - Throws: `CaffeFileError` for damaged files, and files of another network.
  /// - Complexity: O(length) of the state and its model.
  public func resume(from url: URL) throws {
    log("Restoring previous solver status from \(url.relativePath)")
    let state = try SolverStateFile<Float>(contentsOf: url)
    let history = try state.history(
      for: solver.network.parameters.map { $0.map(\.shape) }, file: url.relativePath)
    let model = located(state.learnedNet, beside: url.deletingLastPathComponent())
    try CaffeModel(
      contentsOf: FileManager.default.fileExists(atPath: model.path)
        ? model
        : url.deletingLastPathComponent().appending(
          path: URL(fileNamed: state.learnedNet).lastPathComponent)
    ).copy(into: solver.network)
    try solver.resume(
      iteration: state.iteration, states: history.map { $0.map { [$0] } },
      stepCount: state.currentStep)
    lastDisplay.iteration = state.iteration
    lastStepCount = solver.stepCount
  }

  /// Fails on all ranks unless they were started with the same program, files, data and parameters.
  ///
  /// - Parameter program: what tells builds apart.
  /// - Throws: `SharedError` that says which ranks differ in what.
  /// - Complexity: That of `TrainingRun.requireSameStart`.
  public func requireSameStart(program: String) throws {
    try training.requireSameStart(
      program: program,
      settings: "\(solver.plan.blocks) blocks\n\(file.message.textFormatString())\n"
        + caffe.message.textFormatString())
  }

  /// Trains to the end, or to the iteration at which it is interrupted.
  ///
  /// - Parameter isInterrupted: whether to stop before the next iteration, with a snapshot.
  /// - Returns: how it ended; for a run that was interrupted, the `.solverstate` to resume from.
  /// - Throws: `Divergence` when the loss is no finite number; what reading data and writing
  ///   snapshots throws, before the first iteration where no snapshot could be written.
  /// - Complexity: That of `TrainingLoop.run`.
  @discardableResult
  public func solve(isInterrupted: () -> Bool = { false }) throws -> TrainingLoop.Ending {
    let message = file.message
    if message.snapshot > 0 || message.snapshotAfterTrain {
      let files = CaffeSnapshot.files(prefix: file.snapshotPrefix, iteration: solver.iteration)
      try WholeFile.requirePlace(for: files.model)
    }
    log("Solving \(caffe.definition.name)")
    log("Learning Rate Policy: \(message.lrPolicy)")
    lastDisplay.time = .now
    let loop = TrainingLoop(
      training,
      schedule: .init(
        iterations: Int(message.maxIter), testInterval: Int(message.testInterval),
        testTime: .beforeStep(first: message.testInitialization),
        snapshotInterval: Int(message.snapshot), takesLastSnapshot: message.snapshotAfterTrain))
    let ending = try loop.run(
      test: test, snapshot: snapshot, isInterrupted: isInterrupted, didStep: display)
    guard case .finished = ending else {
      log("Optimization stopped early.")
      return ending
    }
    if isDue(message.display) {
      let loss = smoothed(training.log.losses + [Double(try training.lossOfNextBatch())])
      log("Iteration \(solver.iteration), loss = \(NetworkTest.number(loss))")
    }
    if isDue(message.testInterval) { try test() }
    log("Optimization Done.")
    return .finished
  }

  private func isDue(_ interval: Int32) -> Bool {
    TrainingLoop.Schedule.isDue(Int(interval), at: solver.iteration)
  }

  /// The mean of the last losses, as many as the solver file says.
  private func smoothed(_ losses: [Double]) -> Float {
    let last = losses.suffix(Int(file.message.averageLoss)).map(Float.init)
    return last.isEmpty ? 0 : last.reduce(0, +) / Float(last.count)
  }

  /// Caffe's lines about a step, numbered by the iterations before it.
  private func display(_ step: TrainingLoop.Step) {
    let iteration = step.iteration - 1
    let isDisplayed = TrainingLoop.Schedule.isDue(Int(file.message.display), at: iteration)
    if isDisplayed { displayLoss(iteration) }
    if file.message.lrPolicy == "multistep", solver.stepCount != lastStepCount {
      log("MultiStep Status: Iteration \(iteration), step = \(solver.stepCount)")
      lastStepCount = solver.stepCount
    }
    if isDisplayed {
      log("Iteration \(iteration), lr = \(NetworkTest.number(step.learningRate))")
    }
  }

  private func displayLoss(_ iteration: Int) {
    let seconds = lastDisplay.time.duration(to: .now) / .seconds(1)
    let rate = Double(iteration - lastDisplay.iteration) / (seconds > 0 ? seconds : 1)
    log(
      "Iteration \(iteration) (\(NetworkTest.number(rate)) iter/s, \(NetworkTest.number(seconds))s/"
        + "\(file.message.display) iters), loss = \(NetworkTest.number(smoothed(training.log.losses)))"
    )
    lastDisplay = (iteration, .now)
    log(
      caffe.outputs(of: solver.network, means: solver.plan.blocks > 1 ? solver.results : nil),
      of: "Train")
  }

  private func test() throws {
    for (index, test) in tests.enumerated() {
      log("Iteration \(solver.iteration), Testing net (#\(index))")
      let means = try test.run(parametersOf: solver.network)
      if file.message.testComputeLoss { log("Test loss: \(NetworkTest.number(means.loss))") }
      log(means, of: "Test")
    }
  }

  private func log(_ outputs: [NetworkTest.Output], of net: String) {
    for (number, output) in outputs.filter(\.isShown).enumerated() {
      log("    \(net) net output #\(number): \(output)")
    }
  }

  private func snapshot() throws -> URL? {
    try training.requireSameParameters()
    guard solver.communicator.rank == 0 else { return nil }
    let files = CaffeSnapshot.files(prefix: file.snapshotPrefix, iteration: solver.iteration)
    log("Snapshotting to binary proto file \(files.model.relativePath)")
    try CaffeSnapshot.write(
      prefix: file.snapshotPrefix, iteration: solver.iteration, network: solver.network,
      history: solver.momentumBuffers, currentStep: solver.stepCount, description: caffe.message)
    log("Snapshotting solver state to binary proto file \(files.state.relativePath)")
    return files.state
  }
}
