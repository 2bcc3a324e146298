import CaffeFormats
import CaffeMessages
import Datasets
import Foundation
import Layers
import Networks
import Tensors
import Training
import WholeFiles

/// A `solver.prototxt` of Caffe's: what to train, how, and what to say and keep meanwhile.
///
/// Source: Caffe's `solver.cpp` and `upgrade_proto.cpp`.
struct SolverFile {
  /// A network with the circumstances in which it is built.
  struct Net {
    var prototxt: NetPrototxt
    var state = Caffe_NetState()
    /// The database to read in place of the one that the network names.
    var dataset: String?
    /// What becomes of its pictures where the network doesn't say so.
    var preparation: NetworkTest.Preparation?
    /// How many batches it is tested on; 0 for the one that learns.
    var iterations = 0
  }

  let prototxt: Prototxt<Caffe_SolverParameter>
  let specification: SolverSpecification
  let training: Net
  let testing: [Net]
  let snapshotPrefix: String

  var message: Caffe_SolverParameter { prototxt.message }

  /// Where all randomness starts: `random_seed`, or 1 where the file leaves it to the clock.
  var seed: UInt32 {
    message.randomSeed >= 0 ? UInt32(truncatingIfNeeded: message.randomSeed) : 1
  }

  /// Reads a file, and the networks it names.
  ///
  /// - Throws: `CaffeFileError` with line and column for what is missing, contradictory, or not
  ///   possible here.
  init(contentsOf url: URL) throws {
    prototxt = try Prototxt(contentsOf: url)
    try Self.check(prototxt)
    let message = prototxt.message
    specification = try Self.specification(prototxt)

    let sources = [
      ("net", message.hasNet), ("net_param", message.hasNetParam),
      ("train_net", message.hasTrainNet), ("train_net_param", message.hasTrainNetParam),
    ].filter(\.1).map(\.0)
    guard sources.count == 1 else {
      throw prototxt.error(
        sources.last ?? "net",
        "one of net, net_param, train_net and train_net_param must say what to train; "
          + (sources.isEmpty ? "none does" : "\(sources.joined(separator: " and ")) do"))
    }
    let folder = url.deletingLastPathComponent()
    func read(_ path: String) throws -> NetPrototxt {
      try NetPrototxt(contentsOf: located(path, beside: folder))
    }
    let shared: NetPrototxt? =
      message.hasNet
      ? try read(message.net)
      : message.hasNetParam ? try NetPrototxt(message.netParam, file: url.relativePath) : nil
    let train =
      try shared
      ?? (message.hasTrainNet
        ? read(message.trainNet)
        : NetPrototxt(message.trainNetParam, file: url.relativePath))
    training = Net(prototxt: train, state: message.trainState)

    var tests = try message.testNetParam.map { try NetPrototxt($0, file: url.relativePath) }
    tests += try message.testNet.map(read)
    let named = tests.count
    if let shared {
      tests += Array(repeating: shared, count: max(message.testIter.count - named, 0))
    }
    guard tests.count == message.testIter.count else {
      throw prototxt.error(
        "test_iter",
        "there are \(named) test nets and \(message.testIter.count) test_iter: each net needs one")
    }
    guard tests.isEmpty || message.testInterval > 0 else {
      throw prototxt.error("test_iter", "needs a test_interval of at least 1 beside it")
    }
    guard message.testState.isEmpty || message.testState.count == tests.count else {
      throw prototxt.error(
        "test_state", "there are \(message.testState.count) for \(tests.count) test nets")
    }
    testing = tests.enumerated().map { index, net in
      Net(
        prototxt: net,
        state: message.testState.isEmpty ? Caffe_NetState() : message.testState[index],
        iterations: Int(message.testIter[index]))
    }

    let withoutExtension = url.deletingPathExtension()
    if message.snapshotPrefix.isEmpty {
      snapshotPrefix = withoutExtension.relativePath
    } else if message.snapshotPrefix.hasSuffix("/") {
      snapshotPrefix = message.snapshotPrefix + withoutExtension.lastPathComponent
    } else {
      snapshotPrefix = message.snapshotPrefix
    }
  }

  /// What no solver here can do, and what makes no sense.
  private static func check(_ prototxt: Prototxt<Caffe_SolverParameter>) throws {
    let message = prototxt.message
    let type = message.hasType ? message.type : "\(message.solverType)".uppercased()
    guard type == "SGD" else {
      throw prototxt.error(
        message.hasType ? "type" : "solver_type", "\"\(type)\" is not possible here: only SGD is")
    }
    guard message.snapshotFormat == .binaryproto else {
      throw prototxt.error("snapshot_format", "HDF5 is not possible here: only BINARYPROTO is")
    }
    guard !message.snapshotDiff else {
      throw prototxt.error("snapshot_diff", "gradients are not kept in snapshots here")
    }
    for (field, value, least) in [
      ("max_iter", message.maxIter, 1), ("iter_size", message.iterSize, 1),
      ("average_loss", message.averageLoss, 1), ("display", message.display, 0),
      ("snapshot", message.snapshot, 0), ("test_interval", message.testInterval, 0),
      ("test_iter", message.testIter.min() ?? 1, 1),
    ] where value < Int32(least) {
      throw prototxt.error(field, "\(field) \(value) must be at least \(least)")
    }
  }

  private static func specification(
    _ prototxt: Prototxt<Caffe_SolverParameter>
  ) throws -> SolverSpecification {
    let message = prototxt.message
    let regularization: SGDStep.Regularization
    switch message.regularizationType {
    case "L1": regularization = .l1
    case "L2": regularization = .l2
    default:
      throw prototxt.error(
        "regularization_type", "\"\(message.regularizationType)\" must be L1 or L2")
    }
    return SolverSpecification(
      baseLearningRate: message.baseLr, policy: try policy(prototxt), momentum: message.momentum,
      weightDecay: message.weightDecay, regularization: regularization,
      gradientNormLimit: message.clipGradients >= 0 ? message.clipGradients : nil,
      gradientAccumulationSteps: Int(message.iterSize))
  }

  private static func policy(
    _ prototxt: Prototxt<Caffe_SolverParameter>
  ) throws -> LearningRatePolicy {
    let message = prototxt.message
    let (gamma, power) = (message.gamma, message.power)
    switch message.lrPolicy {
    case "fixed": return .fixed
    case "step": return .step(gamma: gamma, stepSize: Int(message.stepsize))
    case "exp": return .exponential(gamma: gamma)
    case "inv": return .inverse(gamma: gamma, power: power)
    case "multistep":
      return .multistep(gamma: gamma, stepValues: message.stepvalue.map(Int.init))
    case "poly": return .polynomial(power: power, maxIterations: Int(message.maxIter))
    case "sigmoid": return .sigmoid(gamma: gamma, stepSize: Int(message.stepsize))
    default:
      throw prototxt.error(
        "lr_policy",
        "lr_policy \"\(message.lrPolicy)\" must be fixed, step, exp, inv, multistep, poly or "
          + "sigmoid")
    }
  }
}

extension SolverFile.Net {
  /// The network in its phase, with shapes from the databases, and the batches that feed it: what
  /// Caffe's Data layer does.
  ///
  /// Batches go on where the last one ended, behind the last record with the first.
  /// Source: Caffe's `data_layer.cpp`.
  ///
  /// - Parameters:
  ///   - training: whether in the phase of training.
  ///   - folder: where paths lead that lead nowhere from here.
  ///   - seed: the `random_seed` that the placements of pictures are drawn from.
  /// - Throws: `CaffeFileError` when images come from elsewhere, or the database can't be used.
  func open(
    training: Bool, beside folder: URL, seed: UInt32
  ) throws -> (CaffeNetwork, BatchLoader) {
    let own = prototxt.message.state
    // Caffe merges the states: what the solver says of level and stages, where it says anything.
    let network = try prototxt.network(
      phase: training ? .training : .testing,
      level: Int(state.hasLevel ? state.level : own.level), stages: own.stage + state.stage
    ) { data, transform in
      let datum = try database(data, transform, beside: folder).datum(0)
      return [datum.channels, datum.height, datum.width]
    }
    let source: DatumDatabase
    let transformer: DataTransformer
    let images = network.images
    switch (images?.source, dataset) {
    case (.database(let data, let transform), _):
      guard preparation == nil else {
        throw CaffeFileError(
          file: prototxt.file,
          problem: "has a Data layer, whose transform_param says what is done to pictures: give "
            + "neither mean nor scale beside it")
      }
      source = try database(data, transform, beside: folder)
      transformer = try self.transformer(transform, beside: folder)
    case (.caller, let dataset?):
      source = try DatumDatabase(
        dataset, colours: network.definition.imageShape.first == 1 ? .gray : .asStored)
      transformer = try (preparation ?? .init()).transformer(
        for: network.definition, file: prototxt.file)
    default:
      throw CaffeFileError(
        file: prototxt.file,
        problem: "nothing fills blob \"\(network.definition.data)\" when \(network.phase): "
          + "training needs a Data layer, a test that or a database beside the network")
    }
    do {
      let loader = try BatchLoader(
        source, transformer: transformer, images: network.batch,
        isTraining: network.phase == .training,
        state: LoaderState(nextRecord: 0, random: MersenneTwister(dataLayerSeed: seed)))
      return (network, loader)
    } catch {
      guard let images else { throw error }
      throw network.error(error.description, input: images, field: "transform_param")
    }
  }

  /// The database that a Data layer names.
  private func database(
    _ data: Caffe_DataParameter, _ transform: Caffe_TransformationParameter, beside folder: URL
  ) throws -> DatumDatabase {
    try DatumDatabase(
      dataset ?? located(data.source, beside: folder).relativePath,
      colours: transform.forceColor ? .colour : transform.forceGray ? .gray : .asStored)
  }

  private func transformer(
    _ transform: Caffe_TransformationParameter, beside folder: URL
  ) throws -> DataTransformer {
    let mean: DataTransformer.Mean =
      transform.hasMeanFile
      ? .image(
        try MeanImage.read(located(transform.meanFile, beside: folder), as: Float.self))
      : transform.meanValue.isEmpty ? .none : .perChannel(transform.meanValue)
    return DataTransformer(
      cropSize: transform.cropSize > 0 ? Int(transform.cropSize) : nil, mean: mean,
      scale: transform.scale, mirror: transform.mirror)
  }
}

extension NetworkTest.Preparation {
  /// What cuts the middle out of a picture, as large as the network's images.
  fileprivate func transformer(
    for network: NetworkDefinition, file: String
  ) throws -> DataTransformer {
    let image = network.imageShape
    guard image.count == 3, image[1] == image[2] else {
      throw CaffeFileError(
        file: file,
        problem: "takes \(image.map(String.init).joined(separator: "×")) numbers an image; a "
          + "database needs a network for square pictures")
    }
    return DataTransformer(
      cropSize: image[1],
      mean: try mean.map { .image(try MeanImage.read($0, as: Float.self)) }
        ?? (image[0] == 3 ? DataTransformer.caffenet.mean : .none),
      scale: scale)
  }
}

/// A path as Caffe takes it, from the folder in which the program was started; where nothing is
/// there, from the folder of the file that names it.
func located(_ path: String, beside folder: URL) -> URL {
  let url = URL(fileNamed: path)
  guard !path.hasPrefix("/"), !FileManager.default.fileExists(atPath: path) else { return url }
  let beside = folder.appending(path: path)
  return FileManager.default.fileExists(atPath: beside.path) ? beside : url
}
