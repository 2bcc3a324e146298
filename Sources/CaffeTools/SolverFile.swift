import CaffeFormats
import CaffeMessages
import Foundation
import Layers
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

    let (prefix, name) = (message.snapshotPrefix, url.deletingPathExtension())
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: prefix, isDirectory: &isFolder)
    snapshotPrefix =
      prefix.isEmpty
      ? name.relativePath
      : prefix.hasSuffix("/")
        ? prefix + name.lastPathComponent
        : isFolder.boolValue ? "\(prefix)/\(name.lastPathComponent)" : prefix
  }

  /// What no solver here can do, and what makes no sense.
  private static func check(_ prototxt: Prototxt<Caffe_SolverParameter>) throws {
    let message = prototxt.message
    guard !message.hasType || !message.hasSolverType else {
      throw prototxt.error(
        "solver_type", "type and its older form solver_type can't both be given; leave out one")
    }
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
      ("iter_size", message.iterSize, 1),
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
    // Without an iteration, as max_iter 0 has it, the rate is never asked for.
    case "poly": return .polynomial(power: power, maxIterations: max(Int(message.maxIter), 1))
    case "sigmoid": return .sigmoid(gamma: gamma, stepSize: Int(message.stepsize))
    default:
      throw prototxt.error(
        "lr_policy",
        "lr_policy \"\(message.lrPolicy)\" must be fixed, step, exp, inv, multistep, poly or "
          + "sigmoid")
    }
  }
}
