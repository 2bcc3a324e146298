import CaffeFormats
import CaffeTools
import Datasets
import Fast
import Foundation
import Layers
import NetworkFiles
import Networks
import Tensors
import Training

/// A training run with all that its settings ask for.
struct TrainSession<Scalar: Tensors.Scalar> {
  let settings: TrainSettings
  let run: TrainingRun<Scalar>
  /// What the network learns from, and what it is tested on.
  let training: any RecordSource
  let testing: any RecordSource
  /// What to say of the pictures that it is tested on.
  let testSet: TestSet
  /// What a run that goes on should know of its data.
  private(set) var warnings: [String] = []
  /// The weights of the first convolution before anything was learnt, also in a run that goes on;
  /// `nil` where there is none.
  let filtersAtStart: Tensor<Float>?

  private let backend: any Backend<Scalar>

  /// A run at its start, or where a snapshot of the same settings was taken.
  ///
  /// - Parameters:
  ///   - settings: what to do.
  ///   - backend: the version of the settings, in their precision.
  ///   - depth: how many batches are made ahead; it changes nothing but the time it takes.
  ///   - snapshot: where to go on.
  ///   - communicator: the processes that share the blocks of each batch; rank 0 tests and writes files.
  ///   - overlaps: whether gradients are exchanged while others are computed; the same again.
  /// - Throws: `LayerError`, `DatasetError`, `SolverError` or `SnapshotError` for what can't be,
  ///   `MemoryError` for what is too large for this process.
  init(
    _ settings: TrainSettings, backend: any Backend<Scalar>, depth: Int = 2,
    from snapshot: Snapshot? = nil, communicator: any Communicator = SingleProcess(),
    overlaps: Bool = false
  ) throws {
    var settings = settings
    let definition = settings.definition
    let side = settings.network.recordSide
    let block = settings.batch / settings.blocks
    // The last are a test's.
    var need = try MemoryNeed(
      NetworkPlan(
        definition, batch: max(block, Self.testBatch(images: settings.testImages))),
      [.network, .momentum, .snapshot, .blobs(1)], precision: Scalar.self)
    if settings.dataset == nil {
      // Synthetic pictures are kept, three bytes a pixel.
      let images = settings.images + settings.testImages
      need.purpose += " and \(Format.grouped(images)) pictures of \(side)×\(side)"
      need.bytes += Double(images) * Double(3 * side * side)
    }
    try need.require()
    let transformer = definition.transformer
    if let path = settings.dataset {
      // A database is read again and again: what it holds may not fit into memory.
      let database = try DatumDatabase(path)
      let other = try settings.testDataset.map { try DatumDatabase($0) }
      if snapshot == nil, other == nil {
        settings.splitOff = try Self.splitOff(settings.testImages, of: database)
      }
      warnings =
        try Self.changes(of: database, since: &settings.fingerprint)
        + (other.map { try Self.changes(of: $0, since: &settings.testFingerprint) } ?? [])
      if let count = settings.splitOff, other == nil {
        let split = try RecordSplit(database, testing: count, seed: UInt64(settings.seed))
        (training, testing) = (split.learning, split.testing)
      } else {
        (training, testing) = (database, other ?? database)
      }
    } else {
      training = try CachedRecords(
        SyntheticImages(seed: UInt64(settings.seed), side: side), count: settings.images)
      // Another seed: none of these pictures is ever learnt from.
      testing = try CachedRecords(
        SyntheticImages(seed: ~UInt64(settings.seed), side: side), count: settings.testImages)
    }
    testSet = TestSet(settings, learning: training.count ?? 0, testing: testing.count ?? 0)
    self.settings = settings

    var mirrored = transformer
    mirrored.mirror = settings.isAugmented
    let loader = try BatchLoader(
      training, transformer: mirrored, images: block,
      isTraining: settings.isAugmented,
      state: snapshot?.loader ?? LoaderState(seed: settings.seed))
    let evaluation =
      communicator.rank == 0
      ? try Self.makeEvaluation(settings, backend, on: testing, images: testSet.images) : nil
    func makeRun(_ backend: some Backend<Scalar>) throws -> TrainingRun<Scalar> {
      let network = try Network(
        definition, backend: backend, batch: block, seed: settings.seed, keepingGradients: false)
      let solver = try Solver(
        settings.solver, network: network, backend: backend, blocks: settings.blocks,
        communicator: communicator, overlaps: overlaps)
      return TrainingRun(solver, loader: loader, evaluation: evaluation, depth: depth)
    }
    run = try makeRun(backend)
    self.backend = backend
    filtersAtStart = run.network.firstFilters
    if let snapshot { try run.resume(snapshot) }
  }

  /// How many pictures of a database are split off to test on: as many as asked for, but a fifth at most.
  private static func splitOff(
    _ images: Int, of database: DatumDatabase
  ) throws(DatasetError) -> Int {
    let count = database.count ?? 0
    guard count >= 2 else {
      throw DatasetError(
        "\(database.path): of one record, none can be split off to test on: give --test-dataset")
    }
    return min(images, max(count / 5, 1))
  }

  /// What has changed in a database since a fingerprint was taken, which is taken anew.
  private static func changes(
    of database: DatumDatabase, since former: inout String?
  ) throws(DatasetError) -> [String] {
    let present = try database.fingerprint()
    defer { former = present }
    guard let former, former != present else { return [] }
    return [
      "\(database.path) isn't what the run read before: its records have changed. It goes on with those "
        + "that are there now"
    ]
  }

  /// What is trained, and how.
  var title: String {
    "\(run.network.definition.name), \(Format.grouped(settings.iterations)) iterations of "
      + "\(settings.batch * settings.gradientAccumulationSteps) images, seed \(settings.seed), "
      + run.network.backendName + (settings.precision == .double ? " in Double" : "")
      + (settings.blocks > 1 ? ", \(settings.blocks) blocks" : "")
      + (run.solver.plan.ranks > 1 ? ", \(run.solver.plan.ranks) ranks" : "")
  }

  /// What a network with these parameters makes of pictures: of the middle of each, with all
  /// neurons, as in a test.
  ///
  /// - Parameters:
  ///   - parameters: in the order of the network's.
  ///   - source: the pictures, counted from 0.
  ///   - images: how many of them.
  /// - Throws: `DatasetError` or `LayerError` for pictures or labels that don't fit.
  func evaluate(
    _ parameters: [[Tensor<Scalar>]], on source: any RecordSource, images: Int
  ) throws -> EvaluationResult {
    try Self.makeEvaluation(settings, backend, on: source, images: images).evaluate(parameters)
  }

  /// How many images a test takes at a time: at most 50, and a divisor of how many there are.
  private static func testBatch(images: Int) -> Int {
    (1...min(max(images, 1), 50)).last { images % $0 == 0 } ?? 1
  }

  private static func makeEvaluation(
    _ settings: TrainSettings, _ backend: some Backend<Scalar>, on source: any RecordSource,
    images: Int
  ) throws -> Evaluation<Scalar> {
    let definition = settings.definition
    let batch = testBatch(images: images)
    let loader = try BatchLoader(
      source, transformer: definition.transformer, images: batch, isTraining: false,
      state: LoaderState(seed: settings.seed))
    return try Evaluation(
      definition, backend: backend, loader: loader, batches: images / batch)
  }
}

extension TrainSession<Float> {
  /// A run in `Float` that works on so many threads, which change nothing but the time it takes.
  init(_ settings: TrainSettings, threads: Int?) throws {
    try self.init(settings, backend: settings.backend(engine: Engine(threads: threads)))
  }
}

extension TrainSettings {
  /// Their version's layers in `Float`. A lesson's settings don't say whether they are exact; the command does.
  func backend(engine: Engine) -> any Backend<Float> {
    Version.$isExact.withValue(isExact || Version.isExact) { version.backend(engine: engine) }
  }
}

/// How a run ended.
enum TrainEnding {
  /// All iterations have been taken.
  case finished(TrainingReport)
  /// The same, and rank 0 has the report.
  case finishedElsewhere
  /// It was interrupted; the file to resume from, if one could be written.
  case interrupted(snapshot: URL?)
}

extension TrainSession {
  /// Trains to the end.
  ///
  /// - Parameters:
  ///   - folder: where snapshots are written; `nil` writes none.
  ///   - isInterrupted: whether to stop behind the current iteration.
  ///   - report: told of everything that happens.
  /// - Throws: `Divergence` when the loss is no finite number, `SnapshotError` or `CaffeFileError`
  ///   when a snapshot can't be written, `DatasetError` or `LayerError` when images can't be read or
  ///   don't fit; `SharedError` when ranks have come to differ.
  func train(
    snapshots folder: SnapshotFolder?, isInterrupted: () -> Bool = { false },
    report: (TrainingEvent) -> Void
  ) throws -> TrainEnding {
    let isFirst = run.solver.communicator.rank == 0
    if let folder, isFirst { try writeMissingCaffeFiles(into: folder) }
    let loop = TrainingLoop(
      run,
      schedule: .init(
        iterations: settings.iterations, testInterval: settings.testInterval,
        snapshotInterval: settings.snapshotInterval,
        takesLastSnapshot: settings.snapshotInterval > 0
          && run.solver.iteration < settings.iterations))
    var lastTest: EvaluationResult?
    let ending = try loop.run(
      test: {
        guard isFirst else { return }
        lastTest = try run.test()
        if let test = run.log.tests.last { report(.test(test)) }
      },
      snapshot: {
        try run.requireSameParameters()
        guard let folder, isFirst else { return nil }
        let file = try writeSnapshot(into: folder)
        report(.snapshot(iteration: run.solver.iteration, path: file.relativePath))
        return file
      },
      isInterrupted: isInterrupted,
      didStep: { report(.iteration($0)) })
    switch ending {
    case .finished:
      try run.requireSameParameters()
      guard isFirst else { return .finishedElsewhere }
      return .finished(try TrainingReport(self, test: try lastTest ?? run.test()))
    case .interrupted(let snapshot): return .interrupted(snapshot: snapshot)
    }
  }

  /// Writes a snapshot of the run as it stands: `snapshot_iter_<N>.npz`, from which it is resumed,
  /// and beside it Caffe's `snapshot_iter_<N>.caffemodel` and `.solverstate`.
  ///
  /// What it is resumed from comes first. A process that is killed behind it has lost nothing:
  /// `writeMissingCaffeFiles` makes Caffe's files of it.
  ///
  /// - Returns: the file to resume from.
  /// - Throws: `Divergence` when a parameter is no finite number; `SnapshotError` or
  ///   `CaffeFileError` when a file can't be written. Each file appears whole or not at all.
  private func writeSnapshot(into folder: SnapshotFolder) throws -> URL {
    let file = folder.file(iteration: run.solver.iteration)
    try run.snapshot(settings: settings.encoded()).write(to: file)
    try writeCaffeFiles(into: folder)
    return file
  }

  /// Writes Caffe's files beside the snapshot that a run was resumed from, where they are missing.
  ///
  /// - Throws: `CaffeFileError` when one can't be written.
  private func writeMissingCaffeFiles(into folder: SnapshotFolder) throws {
    let iteration = run.solver.iteration
    let caffe = CaffeSnapshot.files(prefix: folder.caffePrefix, iteration: iteration)
    func isThere(_ file: URL) -> Bool { FileManager.default.fileExists(atPath: file.path) }
    // The state is written last: where it is, its model is too.
    guard isThere(folder.file(iteration: iteration)), !isThere(caffe.state) else { return }
    try writeCaffeFiles(into: folder)
  }

  private func writeCaffeFiles(into folder: SnapshotFolder) throws {
    let solver = run.solver
    try CaffeSnapshot.write(
      prefix: folder.caffePrefix, iteration: solver.iteration, network: solver.network,
      history: solver.momentumBuffers, currentStep: solver.stepCount)
  }
}

extension Network {
  /// The weights of the first convolution; `nil` where there is none.
  var firstFilters: Tensor<Float>? {
    let index = definition.layers.firstIndex {
      $0.specification is ConvolutionSpecification
    }
    return index.flatMap { parameters[$0].first?.converted() }
  }
}

extension NetworkChoice {
  /// The side of the pictures that the network's images are cut out of.
  var recordSide: Int { transformer.recordSide }
}

extension NetworkDefinition {
  /// What becomes of a picture on its way into the network.
  var transformer: DataTransformer { NetworkFile.transformer(of: self) }
}
