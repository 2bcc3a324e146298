import CaffeFormats
import CaffeMessages
import Foundation
import Layers
import Networks
import Tensors
import Training

/// A training run that a `solver.prototxt` describes, in Caffe's order of things and with Caffe's
/// words.
///
/// Source: Caffe's `solver.cpp`, `Solve`, `Step` and `TestAll`, and `sgd_solver.cpp`.
final class SolverRun {
  let file: SolverFile
  let solver: Solver<Float>
  private let caffe: CaffeNetwork
  private let data: DataLayer
  private let tests: [SolverTest]
  private let log: (String) -> Void
  private var losses: [Float] = []
  private var lastDisplay: (iteration: Int, time: Date)

  /// A run at iteration 0.
  ///
  /// - Parameters:
  ///   - url: the `solver.prototxt`.
  ///   - log: told each line, without Caffe's date and place in front.
  /// - Throws: `CaffeFileError`, `DatasetError`, `LayerError` or `SolverError` for files that can't
  ///   be used or don't fit together.
  init(_ url: URL, log: @escaping (String) -> Void) throws {
    file = try SolverFile(contentsOf: url)
    self.log = log
    let folder = url.deletingLastPathComponent()
    (caffe, data) = try file.training.open(training: true, beside: folder, seed: file.seed)
    // As in a `TrainSession`: a snapshot is a model and a state of two files.
    try MemoryNeed(
      caffe.definition.summary(batch: caffe.batch), parameters: 7, blobs: 4
    ).require()
    let backend = Version.tuned.backend()
    let network = try caffe.locatingErrors { [caffe, seed = file.seed] () throws(LayerError) in
      try Network(
        caffe.definition, backend: backend, batch: caffe.batch, seed: seed, fusing: true,
        keepingGradients: false)
    }
    solver = try Solver(file.specification, network: network, backend: backend)
    let seed = file.seed
    tests = try file.testing.map {
      try SolverTest($0, backend: backend, beside: folder, seed: seed)
    }
    lastDisplay = (0, Date())
  }

  /// Takes over parameters by the names of layers.
  func start(from model: URL) throws {
    log("Finetuning from \(model.relativePath)")
    let report = try CaffeModel(contentsOf: model).copy(into: solver.network)
    for layer in report.ignored { log("Ignoring source layer \(layer)") }
  }

  /// Goes on where a `.solverstate` was written. As in Caffe, the data start from their beginning.
  func resume(from url: URL) throws {
    log("Restoring previous solver status from \(url.relativePath)")
    let state = try SolverStateFile<Float>(contentsOf: url)
    let history = try state.history(
      for: solver.network.parameters.map { $0.map(\.shape) }, file: url.relativePath)
    let model = located(state.learnedNet, beside: url.deletingLastPathComponent())
    try CaffeModel(
      contentsOf: FileManager.default.fileExists(atPath: model.path)
        ? model
        : url.deletingLastPathComponent().appending(
          path: URL(filePath: state.learnedNet).lastPathComponent)
    ).copy(into: solver.network)
    try solver.resume(iteration: state.iteration, history: history)
    lastDisplay.iteration = state.iteration
  }

  /// How a run ended.
  enum Ending {
    /// All iterations have been taken.
    case finished
    /// It was interrupted; the `.solverstate` to resume from.
    case interrupted(state: URL)
  }

  /// Trains to the end, or to the iteration at which it is interrupted.
  ///
  /// - Throws: `Divergence` when the loss is no finite number; what reading data and writing
  ///   snapshots throws.
  func solve(isInterrupted: () -> Bool = { false }) throws -> Ending {
    let message = file.message
    log("Solving \(caffe.definition.name)")
    log("Learning Rate Policy: \(message.lrPolicy)")
    lastDisplay.time = Date()
    while solver.iteration < Int(message.maxIter) {
      if isInterrupted() {
        let state = try snapshot()
        log("Optimization stopped early.")
        return .interrupted(state: state)
      }
      try step()
    }
    if message.snapshotAfterTrain, !isDue(message.snapshot) { try snapshot() }
    if isDue(message.display) {
      try data.load(into: solver.network)
      smooth(try solver.network.forward())
      log("Iteration \(solver.iteration), loss = \(Self.number(smoothedLoss))")
    }
    if isDue(message.testInterval) { try test() }
    log("Optimization Done.")
    return .finished
  }

  /// One iteration, with what Caffe says and does before and behind it.
  func step() throws {
    let message = file.message
    if isDue(message.testInterval), solver.iteration > 0 || message.testInitialization {
      try test()
    }
    let isShown = isDue(message.display)
    let (iteration, rate) = (solver.iteration, solver.learningRate)
    smooth(try solver.step { try data.load(into: $0) })
    if isShown {
      display(iteration)
      log("Iteration \(iteration), lr = \(Self.number(rate))")
    }
    if isDue(message.snapshot) { try snapshot() }
  }

  /// Whether something that happens every so many iterations happens at this one.
  private func isDue(_ interval: Int32) -> Bool {
    interval > 0 && solver.iteration % Int(interval) == 0
  }

  // MARK: - The loss

  private var smoothedLoss: Float {
    losses.isEmpty ? 0 : losses.reduce(0, +) / Float(losses.count)
  }

  private func smooth(_ loss: Float) {
    losses.append(loss)
    if losses.count > Int(file.message.averageLoss) { losses.removeFirst() }
  }

  private func display(_ iteration: Int) {
    let seconds = Date().timeIntervalSince(lastDisplay.time)
    let rate = Double(iteration - lastDisplay.iteration) / (seconds > 0 ? seconds : 1)
    log(
      "Iteration \(iteration) (\(Self.number(rate)) iter/s, \(Self.number(seconds))s/"
        + "\(file.message.display) iters), loss = \(Self.number(smoothedLoss))")
    lastDisplay = (iteration, Date())
    for line in solver.network.outputLines("Train", solver.network.results) { log(line) }
  }

  private func test() throws {
    for (index, test) in tests.enumerated() {
      log("Iteration \(solver.iteration), Testing net (#\(index))")
      let means = try test.run(solver.network)
      if file.message.testComputeLoss { log("Test loss: \(Self.number(test.loss(means)))") }
      for line in test.lines(means) { log(line) }
    }
  }

  // MARK: - Snapshots

  @discardableResult
  private func snapshot() throws -> URL {
    let files = CaffeSnapshot.files(prefix: file.snapshotPrefix, iteration: solver.iteration)
    log("Snapshotting to binary proto file \(files.model.relativePath)")
    try CaffeSnapshot.write(
      prefix: file.snapshotPrefix, iteration: solver.iteration, network: solver.network,
      history: solver.history, currentStep: solver.stepCount, description: caffe.message)
    log("Snapshotting solver state to binary proto file \(files.state.relativePath)")
    return files.state
  }

  /// A number as C++ streams print it: six significant digits.
  static func number(_ value: some BinaryFloatingPoint) -> String {
    String(format: "%.6g", Double(value))
  }
}
