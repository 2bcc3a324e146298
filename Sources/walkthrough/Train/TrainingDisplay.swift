import Foundation
import Training

/// What a training run tells whoever watches it.
enum TrainingEvent {
  /// An iteration has been taken.
  case iteration(TrainingLoop.Step)
  /// The network has been tested.
  case test(TrainingLog.Test)
  /// A snapshot has been written to a file.
  case snapshot(iteration: Int, path: String)
}

/// What a reader sees while a network learns: in a terminal a few lines that are drawn again and
/// again, elsewhere a plain line now and then.
final class TrainingDisplay {
  private let terminal: Terminal
  private let isLive: Bool
  private let iterations: Int
  private let images: Int
  private let ranks: Int
  private var losses: [Double]
  private var accuracies: [Double]
  private var lastTest: TrainingLog.Test?
  private var sinceLine: [Double] = []
  private var lastStep: TrainingLoop.Step?
  private var lastDrawn: ContinuousClock.Instant?
  private var drawnLines = 0

  /// A display of a run that may have been going on before.
  ///
  /// - Parameters:
  ///   - terminal: where it is shown.
  ///   - isLive: whether lines may be drawn over.
  ///   - iterations: the last one.
  ///   - images: how many one takes.
  ///   - log: what was measured before.
  ///   - ranks: how many processes share the work.
  init(
    terminal: Terminal, isLive: Bool, iterations: Int, images: Int, log: TrainingLog,
    ranks: Int = 1
  ) {
    self.terminal = terminal
    self.isLive = isLive
    self.iterations = iterations
    self.images = images
    self.ranks = ranks
    losses = log.losses
    accuracies = log.tests.map(\.accuracy)
    lastTest = log.tests.last
  }

  /// Shows an event.
  func show(_ event: TrainingEvent) {
    switch event {
    case .iteration(let step):
      // By it one sees whether the network starts as it should: see chapter 16.
      if losses.isEmpty {
        line(
          "\(Format.grouped(step.iteration))/\(Format.grouped(iterations))  first loss "
            + "\(Format.value(step.loss)), before any update")
      }
      losses.append(step.loss)
      lastStep = step
      sinceLine.append(step.loss)
      if isLive {
        drawIfDue(step)
      } else if step.iteration % max(iterations / 20, 1) == 0 || step.iteration == iterations {
        line(plainLine(step))
        sinceLine = []
      }
    case .test(let test):
      accuracies.append(test.accuracy)
      lastTest = test
      if isLive {
        // The last test would not be seen otherwise: no iteration follows it.
        if let lastStep { draw(lastStep) }
      } else {
        line(
          "\(Format.grouped(test.iteration))  test: loss \(Format.value(test.loss)), "
            + "accuracy \(Format.percent(test.accuracy))")
      }
    case .snapshot(let iteration, let path):
      if isLive { clear() }
      line("\(Format.grouped(iteration))  snapshot: \(path)")
    }
  }

  /// Takes the drawn lines away.
  func clear() {
    guard drawnLines > 0 else { return }
    write("\u{1B}[\(drawnLines)A\u{1B}[J")
    drawnLines = 0
  }

  private func line(_ text: String) {
    write(text + "\n")
  }

  private func write(_ text: String) {
    print(text, terminator: "")
    fflush(nil)
  }

  private func plainLine(_ step: TrainingLoop.Step) -> String {
    let mean = sinceLine.reduce(0, +) / Double(max(sinceLine.count, 1))
    return "\(Format.grouped(step.iteration))/\(Format.grouped(iterations))  loss "
      + "\(Format.value(mean)), rate \(Format.value(Double(step.learningRate))), "
      + "\(speed(step)), \(timeLeft(step)) left"
  }

  /// Ten times a second is as often as anybody can see.
  private func drawIfDue(_ step: TrainingLoop.Step) {
    let now = ContinuousClock.now
    if let lastDrawn, lastDrawn.duration(to: now) < .milliseconds(100),
      step.iteration < iterations
    {
      return
    }
    draw(step)
  }

  private func draw(_ step: TrainingLoop.Step) {
    lastDrawn = .now
    clear()
    let lines = liveLines(step)
    write(lines.map { $0 + "\n" }.joined())
    drawnLines = lines.count
  }

  /// The lines of the live display, none longer than the terminal is wide.
  func liveLines(_ step: TrainingLoop.Step) -> [String] {
    let counts =
      "\(Format.grouped(step.iteration))/\(Format.grouped(iterations))  "
      + "\(speed(step))  \(timeLeft(step)) left"
    let room = max(min(terminal.width - counts.count - 2, 40), 0)
    let filled = room * step.iteration / max(iterations, 1)
    let bar = Bars.gauge(filled, of: room)
    let spark = max(min(terminal.width - 27, 60), 5)
    let loss = losses.meanOfLast ?? 0
    var lines = [
      room < 5 ? counts : "\(terminal.styled(bar, .good))  \(counts)",
      "mean loss \(Format.padded(Format.value(loss), 12))"
        + Bars.curve(losses, width: spark, range: 0...max(losses.first ?? 1, loss)),
      "rate      \(Format.value(Double(step.learningRate)))",
    ]
    if let lastTest {
      lines.insert(
        "accuracy  \(Format.padded(Format.percent(lastTest.accuracy), 12))"
          + Bars.curve(accuracies, width: spark, range: 0...1), at: 2)
    }
    return lines
  }

  private func speed(_ step: TrainingLoop.Step) -> String {
    "\(String(format: "%.0f", step.imagesPerSecond)) images/s"
      + (ranks == 1
        ? "" : " on \(ranks) ranks (\(Format.percent(step.exchangeShare)) exchange)")
  }

  private func timeLeft(_ step: TrainingLoop.Step) -> String {
    guard step.imagesPerSecond > 0 else { return "?" }
    let seconds = Double((iterations - step.iteration) * images) / step.imagesPerSecond
    guard seconds < 360_000 else { return "over 100 h" }
    let whole = Int(seconds.rounded())
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, whole % 60)
      : String(format: "%d:%02d", minutes, whole % 60)
  }
}

extension [Double] {
  /// The last loss, as the display, the page and the lessons mean it: that of one batch jumps about, so it
  /// is the mean of the last `LessonOutcome.window`, or of all that there are. `nil` without any.
  var meanOfLast: Double? {
    let last = suffix(LessonOutcome.window)
    return last.isEmpty ? nil : last.reduce(0, +) / Double(last.count)
  }
}

/// `train --json`: one JSON value a line, under names that programs rely on.
enum TrainingLines {
  /// An iteration.
  private struct Iteration: Encodable {
    var iteration: Int
    var loss: Float
    var learningRate: Float
    var imagesPerSecond: Double
    /// Only with several ranks.
    var exchangeShare: Double?
  }

  /// A test.
  private struct Test: Encodable {
    var iteration: Int
    var testLoss: Double
    var testAccuracy: Double
  }

  /// The last line.
  private struct Final: Encodable {
    var final = true
    var iteration: Int
    var testAccuracy: Double
    var digest: String
    var ranks: Int
    var blocks: Int
  }

  /// The line of an event; `nil` for one that programs aren't told of.
  static func line(_ event: TrainingEvent) throws -> String? {
    switch event {
    case .iteration(let step):
      try JSON.compact(
        Iteration(
          iteration: step.iteration, loss: Float(step.loss), learningRate: step.learningRate,
          imagesPerSecond: step.imagesPerSecond,
          exchangeShare: step.exchangeShare > 0 ? step.exchangeShare : nil))
    case .test(let test):
      try JSON.compact(
        Test(iteration: test.iteration, testLoss: test.loss, testAccuracy: test.accuracy))
    case .snapshot:
      nil
    }
  }

  /// The last line of a finished run.
  static func line(_ report: TrainingReport, ranks: Int) throws -> String {
    try JSON.compact(
      Final(
        iteration: report.iteration, testAccuracy: report.testAccuracy, digest: report.digest,
        ranks: ranks, blocks: report.settings.blocks))
  }
}
