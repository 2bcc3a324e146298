#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The loop of training: steps, with tests and snapshots at their intervals, up to the last
/// iteration or to where it is interrupted.
///
/// ```swift
/// let loop = TrainingLoop(run, schedule: .init(iterations: 2000, testInterval: 200))
/// try loop.run(
///   test: { _ = try run.test() },
///   snapshot: { nil },
///   didStep: { print($0.iteration, $0.loss) })
/// ```
public struct TrainingLoop {
  /// When a run ends, is tested, and leaves snapshots. All numbers are iterations.
  public struct Schedule: Sendable {
    /// When tests are taken, of those that are due.
    public enum TestTime: Sendable {
      /// Right after a step, so that the snapshot knows of the test; and always after the last one.
      case afterStep
      /// Before the next step, after the snapshot, as Caffe does; `first` tests before the first
      /// step too, Caffe's `test_initialization`. A test after the last step isn't taken.
      case beforeStep(first: Bool)
    }

    /// How many iterations the run has when it is finished.
    public var iterations: Int
    /// A test after each so many iterations; 0: none.
    public var testInterval: Int
    /// When it is taken.
    public var testTime: TestTime
    /// A snapshot after each so many iterations; 0: none.
    public var snapshotInterval: Int
    /// Whether the end has a snapshot whatever the interval.
    public var takesLastSnapshot: Bool

    /// A schedule.
    public init(
      iterations: Int, testInterval: Int = 0, testTime: TestTime = .afterStep,
      snapshotInterval: Int = 0, takesLastSnapshot: Bool = false
    ) {
      self.iterations = iterations
      self.testInterval = testInterval
      self.testTime = testTime
      self.snapshotInterval = snapshotInterval
      self.takesLastSnapshot = takesLastSnapshot
    }

    /// Whether what happens after each `interval` iterations happens after this one.
    public static func isDue(_ interval: Int, at iteration: Int) -> Bool {
      interval > 0 && iteration % interval == 0
    }
  }

  /// An iteration that has been taken.
  public struct Step: Sendable {
    /// How many have been taken, this one included.
    public var iteration: Int
    /// The loss on its batches, before the update.
    public var loss: Double
    /// The learning rate of the update.
    public var learningRate: Float
    /// The speed of late, in images of all ranks per second of wall-clock time; tests don't count.
    public var imagesPerSecond: Double
    /// The share of late time for which the computation waited for other ranks; 0 without any.
    public var exchangeShare: Double

    /// An iteration.
    public init(
      iteration: Int, loss: Double, learningRate: Float, imagesPerSecond: Double,
      exchangeShare: Double = 0
    ) {
      self.iteration = iteration
      self.loss = loss
      self.learningRate = learningRate
      self.imagesPerSecond = imagesPerSecond
      self.exchangeShare = exchangeShare
    }
  }

  /// How a run ended.
  public enum Ending {
    /// All iterations have been taken.
    case finished
    /// It was interrupted; the file to resume from, if one was written.
    case interrupted(snapshot: URL?)
  }

  /// What is trained, in whatever precision.
  private let training: any Trainable
  /// When it ends, is tested and leaves snapshots.
  public let schedule: Schedule

  /// A loop, which goes on where the run stands.
  public init<Scalar>(_ training: TrainingRun<Scalar>, schedule: Schedule) {
    self.training = training
    self.schedule = schedule
  }

  /// Runs to the end.
  ///
  /// - Parameters:
  ///   - test: tests the network as it stands.
  ///   - snapshot: writes a snapshot; the file to resume from.
  ///   - isInterrupted: whether to stop before the next step, with a snapshot. With several ranks, all
  ///     of them stop before the same step when one of them is to.
  ///   - didStep: told of each step before anything else happens.
  /// - Throws: `Divergence` when the loss is no finite number, `DatasetError` or `LayerError` when
  ///   images or labels can't be read or don't fit, and what the closures throw.
  /// - Complexity: That of `TrainingRun.step` for each iteration, and of the closures.
  @discardableResult
  public func run(
    test: () throws -> Void, snapshot: () throws -> URL?, isInterrupted: () -> Bool = { false },
    didStep: (Step) throws -> Void = { _ in }
  ) throws -> Ending {
    var iteration: Int { training.iteration }
    var speed = Speed(images: training.imagesPerIteration)
    while iteration < schedule.iterations {
      if try training.communicator.any(isInterrupted()) {
        return .interrupted(snapshot: try snapshot())
      }
      if testIsDueBeforeStep { try test() }
      try didStep(step(&speed))
      if testIsDueAfterStep { try test() }
      if Schedule.isDue(schedule.snapshotInterval, at: iteration) { _ = try snapshot() }
    }
    if schedule.takesLastSnapshot, !Schedule.isDue(schedule.snapshotInterval, at: iteration) {
      _ = try snapshot()
    }
    return .finished
  }

  private func step(_ speed: inout Speed) throws -> Step {
    let learningRate = training.learningRate
    let (start, waiting) = (ContinuousClock.now, training.exchangeDuration)
    let loss = try training.takeStep()
    speed.add(
      start.duration(to: .now), exchange: training.exchangeDuration - waiting)
    return Step(
      iteration: training.iteration, loss: loss, learningRate: learningRate,
      imagesPerSecond: speed.imagesPerSecond, exchangeShare: speed.exchangeShare)
  }

  private var testIsDueBeforeStep: Bool {
    guard case .beforeStep(let first) = schedule.testTime else { return false }
    let iteration = training.iteration
    return Schedule.isDue(schedule.testInterval, at: iteration) && (iteration > 0 || first)
  }

  private var testIsDueAfterStep: Bool {
    guard case .afterStep = schedule.testTime else { return false }
    let iteration = training.iteration
    return iteration == schedule.iterations || Schedule.isDue(schedule.testInterval, at: iteration)
  }
}

/// What the loop needs of a run.
private protocol Trainable {
  var iteration: Int { get }
  var learningRate: Float { get }
  var imagesPerIteration: Int { get }
  var communicator: any Communicator { get }
  var exchangeDuration: Duration { get }
  func takeStep() throws -> Double
}

extension TrainingRun: Trainable {
  fileprivate var iteration: Int { solver.iteration }
  fileprivate var learningRate: Float { solver.learningRate }
  fileprivate var communicator: any Communicator { solver.communicator }
  fileprivate var exchangeDuration: Duration { solver.exchangeDuration }

  fileprivate var imagesPerIteration: Int {
    network.input.shape.images * solver.plan.blocks
      * solver.specification.gradientAccumulationSteps
  }

  fileprivate func takeStep() throws -> Double { try step().doubleValue }
}

/// The time of late iterations: a mean that forgets.
private struct Speed {
  let images: Int
  private var seconds: Double?
  private var exchangeSeconds = 0.0

  init(images: Int) {
    self.images = images
  }

  mutating func add(_ duration: Duration, exchange: Duration) {
    let (now, exchangeNow) = (duration / .seconds(1), exchange / .seconds(1))
    exchangeSeconds = seconds == nil ? exchangeNow : 0.9 * exchangeSeconds + 0.1 * exchangeNow
    seconds = seconds.map { 0.9 * $0 + 0.1 * now } ?? now
  }

  var exchangeShare: Double {
    guard let seconds, seconds > 0 else { return 0 }
    return exchangeSeconds / seconds
  }

  var imagesPerSecond: Double {
    guard let seconds, seconds > 0 else { return 0 }
    return Double(images) / seconds
  }
}
