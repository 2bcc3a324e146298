import ArgumentParser
import CaffeTools
import Fast
import Foundation
import Networks
import Training
import Tuned
import WholeFiles

/// What the command line says of a run; what it leaves out is as the network or a snapshot says.
struct TrainOptions: ParsableArguments {
  @Option(help: "The network: \(NetworkChoice.list). (default: mini)")
  var network: NetworkChoice?

  @Option(help: "Which version computes: reference, fast or tuned. (default: tuned)")
  var version: Version?

  @Option(help: "What it computes with: float or double; tuned has float only. (default: float)")
  var precision: Precision?

  @Option(parsing: .unconditional, help: "The number of images in a batch. (default: 32)")
  var batch: Int?

  @Option(parsing: .unconditional, help: "How many iterations to take.")
  var iterations: Int?

  @Option(parsing: .unconditional, help: "The base learning rate.")
  var lr: Float?

  @Option(
    help: "How it changes: fixed, step, exp, inv, multistep, poly or sigmoid, as in Caffe.")
  var policy: TrainSettings.Policy?

  @Option(parsing: .unconditional, help: "The policy's gamma. (default: 0.1)")
  var gamma: Float?

  @Option(parsing: .unconditional, help: "The policy's power. (default: 1)")
  var power: Float?

  @Option(parsing: .unconditional, help: "The step size of step and sigmoid.")
  var stepSize: Int?

  @Option(
    parsing: .unconditionalSingleValue, help: "An iteration of multistep; give it several times.")
  var stepValue: [Int] = []

  @Option(parsing: .unconditional, help: "The share of the last step taken again. (default: 0.9)")
  var momentum: Float?

  @Option(parsing: .unconditional, help: "The factor of the regularisation. (default: 0.0005)")
  var weightDecay: Float?

  @Option(help: "L1 or L2. (default: L2)")
  var regularization: TrainSettings.Regularization?

  @Option(
    parsing: .unconditional, help: "The greatest L2 norm of all gradients; longer ones are cut.")
  var clipGradients: Float?

  @Option(parsing: .unconditional, help: "Batches whose gradients make one step. (default: 1)")
  var iterSize: Int?

  @Option(
    parsing: .unconditional,
    help: """
      Cut each batch into so many blocks, which are worked on one after the other or by several \
      ranks; their number decides the bits, that of the ranks doesn't. (default: 1)
      """)
  var blocks: Int?

  @Option(parsing: .unconditional, help: "The start of all randomness. (default: 1)")
  var seed: UInt32?

  @Option(
    parsing: .unconditional, help: "How many synthetic pictures to learn from, kept in memory.")
  var images: Int?

  @Option(
    help: "Learn from the pictures of this LMDB database, each at least as large as the images.")
  var dataset: String?

  @Option(
    help:
      "Test on this LMDB database. (default: pictures split off that of --dataset, a fifth at most)"
  )
  var testDataset: String?

  @Option(
    parsing: .unconditional, help: "How many other pictures to test on, if there are so many.")
  var testImages: Int?

  @Option(parsing: .unconditional, help: "Test each time after so many iterations; 0: at the end.")
  var testInterval: Int?

  @Option(
    parsing: .unconditional,
    help: "Write a snapshot each time after so many iterations; 0: none. (default: 0)")
  var snapshot: Int?

  @Flag(help: "Learn from the middle of each picture, not from random crops and mirror images.")
  var noAugmentation = false

  /// Whether any of these was given.
  var isAnyGiven: Bool {
    let given: [Any?] = [
      network, version, precision, batch, iterations, lr, policy, gamma, power, stepSize, momentum,
      weightDecay,
      regularization, clipGradients, iterSize, seed, images, dataset, testDataset, testImages,
      testInterval, snapshot,
    ]
    return given.contains { $0 != nil } || !stepValue.isEmpty || noAugmentation
  }

  /// What may differ from the run that a snapshot is of.
  private static let changeable = [
    "--version", "--exact", "--iterations", "--test-interval", "--snapshot", "--dataset",
    "--test-dataset",
  ]

  /// The settings of a new run.
  func settings() throws -> TrainSettings {
    var settings = TrainSettings(network: network ?? .mini)
    _ = apply(to: &settings)
    try settings.validate()
    try refuseIgnored(by: settings.policy)
    return settings
  }

  /// Refuses what a policy doesn't heed, and steps that it can't take.
  private func refuseIgnored(by policy: TrainSettings.Policy) throws(SettingsError) {
    let heeded: [String] =
      switch policy {
      case .fixed: []
      case .step, .sigmoid: ["--gamma", "--step-size"]
      case .exp: ["--gamma"]
      case .inv: ["--gamma", "--power"]
      case .multistep: ["--gamma", "--step-value"]
      case .poly: ["--power"]
      }
    let given = [
      ("--gamma", gamma != nil), ("--power", power != nil), ("--step-size", stepSize != nil),
      ("--step-value", !stepValue.isEmpty),
    ]
    for (option, isGiven) in given where isGiven && !heeded.contains(option) {
      throw SettingsError(
        description:
          "\(option): the policy \(policy.rawValue) has none; choose another --policy, or leave it out"
      )
    }
    guard policy == .multistep else { return }
    guard let first = stepValue.first, first >= 0,
      zip(stepValue, stepValue.dropFirst()).allSatisfy(<)
    else {
      throw SettingsError(
        description:
          "--policy multistep: give --step-value once for each iteration at which the rate falls, from "
          + "the first to the last")
    }
  }

  /// The settings of a run that goes on.
  ///
  /// - Throws: `SettingsError` for an option that would make another run of it.
  func settings(continuing former: TrainSettings) throws -> TrainSettings {
    var settings = former
    // A database may have moved, but a run on one goes on on one.
    let hadDatabases = [former.dataset != nil, former.testDataset != nil]
    let changed = apply(to: &settings).filter {
      !Self.changeable.contains($0) || $0 == "--dataset" && !hadDatabases[0]
        || $0 == "--test-dataset" && !hadDatabases[1]
    }
    guard changed.isEmpty else {
      throw SettingsError(
        description: "\(changed.joined(separator: ", ")): not as in the run of the snapshot. "
          + "With --resume only \(Self.changeable.joined(separator: ", ")) may change")
    }
    try settings.validate()
    return settings
  }

  /// The seed of a lesson, which chooses everything else itself.
  ///
  /// - Throws: `SettingsError` for an option that it would not heed.
  func lessonSeed() throws(SettingsError) -> UInt32 {
    var settings = TrainSettings(network: .mini)
    let changed = apply(to: &settings).filter { $0 != "--seed" }
    guard changed.isEmpty else {
      throw SettingsError(
        description: "\(changed.joined(separator: ", ")): a lesson has its own settings. With "
          + "--lesson go --seed, --threads and --output")
    }
    return settings.seed
  }

  /// Sets what was given; returns the options that changed something.
  private func apply(to settings: inout TrainSettings) -> [String] {
    var changed: [String] = []
    func set<Value: Equatable>(
      _ option: String, _ path: WritableKeyPath<TrainSettings, Value>, _ value: Value?
    ) {
      guard let value, settings[keyPath: path] != value else { return }
      settings[keyPath: path] = value
      changed.append(option)
    }
    set("--network", \.network, network)
    set("--version", \.version, version)
    set("--precision", \.precision, precision)
    set("--batch", \.batch, batch)
    set("--iterations", \.iterations, iterations)
    set("--lr", \.baseLearningRate, lr)
    set("--policy", \.policy, policy)
    set("--gamma", \.gamma, gamma)
    set("--power", \.power, power)
    set("--step-size", \.stepSize, stepSize)
    set("--step-value", \.stepValues, stepValue.isEmpty ? nil : stepValue)
    set("--momentum", \.momentum, momentum)
    set("--weight-decay", \.weightDecay, weightDecay)
    set("--regularization", \.regularization, regularization)
    set("--clip-gradients", \.gradientNormLimit, clipGradients.map(Optional.some))
    set("--iter-size", \.gradientAccumulationSteps, iterSize)
    set("--blocks", \.blocks, blocks)
    set("--seed", \.seed, seed)
    set("--images", \.images, images)
    set("--dataset", \.dataset, dataset.map(Optional.some))
    set("--test-dataset", \.testDataset, testDataset.map(Optional.some))
    set("--test-images", \.testImages, testImages)
    set("--test-interval", \.testInterval, testInterval)
    set("--snapshot", \.snapshotInterval, snapshot)
    set("--no-augmentation", \.isAugmented, noAugmentation ? false : nil)
    return changed
  }
}

extension TrainSettings.Policy: ExpressibleByArgument {}
extension TrainSettings.Regularization: ExpressibleByArgument {}

/// The options of `train` that hand the run over to Caffe's own files.
struct SolverOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Train as this solver.prototxt of Caffe's says, on prototxt and LMDB.",
      discussion: """
        Paths in it start from the current folder, as in Caffe, or from its own. Log lines and \
        snapshots are Caffe's. Of all other options only --weights, --resume, --blocks, \
        --distributed, --threads, --overlap and --exact count then. As in Caffe, a run that is resumed reads \
        its data from their start; its snapshots don't know of --blocks and --exact, so give them again.
        """))
  var solver: String?

  @Option(help: "Start from the weights of these .caffemodel files, separated by commas.")
  var weights: String?

  /// Trains to the end; `resume` is a .solverstate to go on from.
  ///
  /// - Throws: what is wrong with the files.
  func run(
    _ solver: String, resume: String?, blocks: Int, on ranks: Ranks, threads: Int?, overlap: Bool?
  ) throws {
    let communicator = ranks.communicator
    let share = ranks.shareOfMachine(threads: threads, overlap: overlap)
    let backend = TunedBackend(
      engine: share.threads.map { Engine(threads: $0) } ?? .shared, isExact: Version.isExact)
    let run = try communicator.together {
      try SolverRun(
        URL(fileNamed: solver), blocks: blocks, communicator: communicator,
        overlaps: share.overlaps, backend: backend
      ) { line in
        guard ranks.isFirst else { return }
        print(Escaping.visible(line))
        // Whoever follows the log through a pipe sees each line when it is written.
        fflush(nil)
      }
    }
    // What rank 0 reads, all others get from it.
    try communicator.together {
      guard ranks.isFirst else { return }
      let models = weights.map(SolverRun.models)
      if resume == nil || weights != nil {
        for model in models ?? run.initialModels { try run.start(from: model) }
      }
      if let resume { try run.resume(from: URL(fileNamed: resume)) }
    }
    try run.solver.broadcastState()
    try run.requireSameStart(program: Ranks.program)
    let interruption = Interruption(also: [SIGUSR1])
    let ending = try run.solve(isInterrupted: { interruption.hasCome })
    if case .interrupted(let state?) = ending, ranks.isFirst {
      throw interruption.farewell(
        iteration: run.solver.iteration,
        resuming: ["--solver", solver] + (blocks == 1 ? [] : ["--blocks", String(blocks)])
          + (Version.isExact ? ["--exact"] : [])
          + ["--resume", state.relativePath])
    }
  }

  /// Refuses what excludes each other.
  func check(resume: String?) throws {
    if weights != nil, resume != nil {
      throw ValidationError(
        "--weights and --resume: a snapshot brings its own weights; give one of the two.")
    }
    if weights != nil, solver == nil {
      throw ValidationError("--weights: needs --solver beside it.")
    }
    if let weights, weights.split(separator: ",").isEmpty {
      throw ValidationError("--weights: names no file.")
    }
  }
}
