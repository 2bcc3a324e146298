import Foundation
import Training

/// Takes the iterations of a training run, with its tests and snapshots in between.
struct TrainingLoop {
  let session: TrainSession
  /// Where snapshots are written; `nil` writes none.
  let folder: SnapshotFolder?
  /// Told of everything that happens.
  let report: (TrainingEvent) -> Void
  /// Whether to stop behind the current iteration.
  var isInterrupted: () -> Bool = { false }

  /// How a run ended.
  enum Ending {
    /// All iterations have been taken.
    case finished(TrainingReport)
    /// It was interrupted; the file to resume from, if one could be written.
    case interrupted(snapshot: URL?)
  }

  /// Runs to the end.
  ///
  /// - Throws: `Divergence` when the loss is no finite number, `SnapshotError` or `CaffeFileError`
  ///   when a snapshot can't be written, `DatasetError` or `LayerError` when images can't be read or
  ///   don't fit.
  func run() throws -> Ending {
    let (run, settings) = (session.run, session.settings)
    if let folder { try SnapshotWriter(folder: folder).complete(session) }
    var speed = Speed(images: settings.batch * settings.passesPerIteration)
    var lastTest: Examination.Result?
    while run.solver.iteration < settings.iterations {
      if isInterrupted() { return .interrupted(snapshot: try writeSnapshot()) }
      let learningRate = run.solver.learningRate
      let start = ContinuousClock.now
      let loss = try run.step()
      speed.add(start.duration(to: .now))
      let iteration = run.solver.iteration
      report(
        .iteration(
          .init(
            iteration: iteration, loss: loss, learningRate: learningRate,
            imagesPerSecond: speed.imagesPerSecond)))
      let isLast = iteration == settings.iterations
      if isLast || isDue(settings.testInterval, iteration), let result = try run.test() {
        lastTest = result
        if let test = run.log.tests.last { report(.test(test)) }
      }
      if isDue(settings.snapshotInterval, iteration) || isLast && settings.snapshotInterval > 0 {
        try writeSnapshot()
      }
    }
    if lastTest == nil { lastTest = try run.test() }
    return .finished(try TrainingReport(session, test: lastTest))
  }

  private func isDue(_ interval: Int, _ iteration: Int) -> Bool {
    interval > 0 && iteration % interval == 0
  }

  @discardableResult
  private func writeSnapshot() throws -> URL? {
    guard let folder else { return nil }
    let file = try SnapshotWriter(folder: folder).write(session)
    report(.snapshot(iteration: session.run.solver.iteration, path: file.relativePath))
    return file
  }
}

/// The time of late iterations: a mean that forgets.
private struct Speed {
  let images: Int
  private var seconds: Double?

  init(images: Int) {
    self.images = images
  }

  mutating func add(_ duration: Duration) {
    let now = duration / .seconds(1)
    seconds = seconds.map { 0.9 * $0 + 0.1 * now } ?? now
  }

  var imagesPerSecond: Double {
    guard let seconds, seconds > 0 else { return 0 }
    return Double(images) / seconds
  }
}
