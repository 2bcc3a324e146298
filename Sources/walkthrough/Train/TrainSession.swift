import Datasets
import Fast
import Layers
import Networks
import Tensors
import Training

/// A training run with all that its settings ask for.
struct TrainSession {
  let settings: TrainSettings
  let run: TrainingRun
  /// What the network learns from, and what it is tested on.
  let training: any RecordSource
  let testing: any RecordSource
  /// The weights of the first convolution before anything was learnt, also in a run that goes on;
  /// `nil` where there is none.
  let filtersAtStart: Tensor<Float>?

  private let backend: any Backend<Float>

  /// A run at its start, or where a snapshot of the same settings was taken.
  ///
  /// - Parameters:
  ///   - settings: what to do.
  ///   - threads: how many work; it changes nothing but the time it takes.
  ///   - depth: how many batches are made ahead; the same.
  ///   - snapshot: where to go on.
  /// - Throws: `LayerError`, `DatasetError`, `SolverError` or `SnapshotError` for what can't be,
  ///   `MemoryError` for what is too large for this process.
  init(_ settings: TrainSettings, threads: Int?, depth: Int = 2, from snapshot: Snapshot? = nil)
    throws
  {
    self.settings = settings
    let definition = settings.definition
    // Parameters, gradients and history, and a snapshot of parameters and history as arrays and as
    // bytes; blobs and gradients in training, blobs in a test.
    try MemoryNeed(
      definition.summary(batch: max(settings.batch, Self.testBatch(images: settings.testImages))),
      parameters: 7, blobs: 4
    ).require()
    let transformer = definition.transformer
    let side = settings.network.recordSide
    if let path = settings.dataset {
      // A database is read again and again: what it holds may not fit into memory.
      training = try DatumDatabase(path)
      testing = try DatumDatabase(settings.testDataset ?? path)
    } else {
      training = try CachedRecords(
        SyntheticImages(seed: UInt64(settings.seed), side: side), count: settings.images)
      // Another seed: none of these pictures is ever learnt from.
      testing = try CachedRecords(
        SyntheticImages(seed: ~UInt64(settings.seed), side: side), count: settings.testImages)
    }

    var mirrored = transformer
    mirrored.mirror = settings.isAugmented
    let loader = try BatchLoader(
      training, transformer: mirrored, images: settings.batch,
      isTraining: settings.isAugmented,
      state: snapshot?.loader ?? LoaderState(seed: settings.seed))
    let backend = settings.version.backend(engine: Engine(threads: threads))
    run = try Self.makeRun(
      settings, backend, loader,
      Self.makeExamination(settings, backend, on: testing, images: settings.testImages),
      depth: depth)
    self.backend = backend
    filtersAtStart = run.network.firstFilters
    if let snapshot { try run.resume(snapshot) }
  }

  /// What is trained, and how.
  var title: String {
    "\(run.network.definition.name), \(Format.grouped(settings.iterations)) iterations of "
      + "\(settings.batch * settings.passesPerIteration) images, seed \(settings.seed), "
      + run.network.backendName
  }

  /// What a network with these parameters makes of pictures: of the middle of each, with all
  /// neurons, as in a test.
  ///
  /// - Parameters:
  ///   - parameters: in the order of the network's.
  ///   - source: the pictures, counted from 0.
  ///   - images: how many of them.
  /// - Throws: `DatasetError` or `LayerError` for pictures or labels that don't fit.
  func examine(
    _ parameters: [[Tensor<Float>]], on source: any RecordSource, images: Int
  ) throws -> Examination.Result {
    try Self.makeExamination(settings, backend, on: source, images: images).examine(parameters)
  }

  private static func makeRun(
    _ settings: TrainSettings, _ backend: some Backend<Float>, _ loader: BatchLoader,
    _ examination: Examination, depth: Int
  ) throws -> TrainingRun {
    let network = try Network(
      settings.definition, backend: backend, batch: settings.batch, seed: settings.seed,
      fusing: true, keepingGradients: false)
    let solver = try Solver(settings.solver, network: network, backend: backend)
    return TrainingRun(solver, loader: loader, examination: examination, depth: depth)
  }

  /// How many images a test takes at a time: at most 50, and a divisor of how many there are.
  private static func testBatch(images: Int) -> Int {
    (1...min(max(images, 1), 50)).last { images % $0 == 0 } ?? 1
  }

  private static func makeExamination(
    _ settings: TrainSettings, _ backend: some Backend<Float>, on source: any RecordSource,
    images: Int
  ) throws -> Examination {
    let definition = settings.definition
    let batch = testBatch(images: images)
    let loader = try BatchLoader(
      source, transformer: definition.transformer, images: batch, isTraining: false,
      state: LoaderState(seed: settings.seed))
    return try Examination(
      definition, backend: backend, loader: loader, batches: images / batch)
  }
}

extension Network<Float> {
  /// The weights of the first convolution; `nil` where there is none.
  var firstFilters: Tensor<Float>? {
    let index = definition.layers.firstIndex {
      if case .convolution = $0.operation { true } else { false }
    }
    return index.flatMap { parameters[$0].first }
  }
}

extension NetworkChoice: Codable {
  /// The side of the pictures that the network's images are cut out of: 256 for 227.
  var recordSide: Int { (definition().imageShape[1] * 256 + 113) / 227 }
}

extension NetworkDefinition {
  /// What becomes of a picture on its way into the network.
  var transformer: DataTransformer {
    var transformer = DataTransformer.caffenet
    transformer.cropSize = imageShape[1]
    if name == mini().name { transformer.scale = miniPixelScale }
    return transformer
  }
}
