import Datasets
import Fast
import Layers
import Networks
import Reference
import Tensors
import Training

/// A training run with all that its settings ask for.
struct TrainSession {
  let settings: TrainSettings
  let run: TrainingRun
  /// What the network learns from, and what it is tested on.
  let training: any RecordSource
  let testing: any RecordSource

  /// A run at its start, or where a snapshot of the same settings was taken.
  ///
  /// - Parameters:
  ///   - settings: what to do.
  ///   - threads: how many work; it changes nothing but the time it takes.
  ///   - depth: how many batches are made ahead; the same.
  ///   - snapshot: where to go on.
  /// - Throws: `LayerError`, `DatasetError`, `SolverError` or `SnapshotError` for what can't be.
  init(_ settings: TrainSettings, threads: Int?, depth: Int = 2, from snapshot: Snapshot? = nil)
    throws
  {
    self.settings = settings
    let definition = settings.definition
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
    let testBatch = (1...min(settings.testImages, 50)).last { settings.testImages % $0 == 0 } ?? 1
    let testLoader = try BatchLoader(
      testing, transformer: transformer, images: testBatch, isTraining: false,
      state: LoaderState(seed: settings.seed))

    let backend: any Backend<Float> =
      switch settings.version {
      case .reference: ReferenceBackend<Float>()
      case .fast: FastBackend<Float>(engine: Engine(threads: threads))
      }
    run = try Self.makeRun(
      settings, definition, backend, loader, testLoader,
      testBatches: settings.testImages / testBatch, depth: depth)
    if let snapshot { try run.resume(snapshot) }
  }

  /// What is trained, and how.
  var title: String {
    "\(run.network.definition.name), \(Format.grouped(settings.iterations)) iterations of "
      + "\(settings.batch * settings.passesPerIteration) images, seed \(settings.seed), "
      + run.network.backendName
  }

  /// The weights of the first convolution; `nil` where there is none.
  var firstFilters: Tensor<Float>? {
    let layers = run.network.definition.layers
    let index = layers.firstIndex { if case .convolution = $0.operation { true } else { false } }
    return index.flatMap { run.network.parameters[$0].first }
  }

  private static func makeRun(
    _ settings: TrainSettings, _ definition: NetworkDefinition, _ backend: some Backend<Float>,
    _ loader: BatchLoader, _ testLoader: BatchLoader, testBatches: Int, depth: Int
  ) throws -> TrainingRun {
    let network = try Network(
      definition, backend: backend, batch: settings.batch, seed: settings.seed, fusing: true,
      keepingGradients: false)
    let solver = try Solver(settings.solver, network: network, backend: backend)
    let examination = try Examination(
      definition, backend: backend, loader: testLoader, batches: testBatches)
    return TrainingRun(solver, loader: loader, examination: examination, depth: depth)
  }
}

extension NetworkChoice: Codable {
  /// The side of the pictures that the network's images are cut out of: 256 for 227.
  var recordSide: Int { (definition().imageShape[1] * 256 + 113) / 227 }
}

extension NetworkDefinition {
  /// What becomes of a picture on its way into the network.
  var transformer: Transformer {
    var transformer = Transformer.caffenet
    transformer.cropSize = imageShape[1]
    if name == mini().name { transformer.scale = miniPixelScale }
    return transformer
  }
}
