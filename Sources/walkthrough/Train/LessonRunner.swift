import Foundation
import Tensors
import Training
import WholeFiles

/// Runs a lesson, and shows what came of it.
struct LessonRunner {
  let lesson: Lesson
  let threads: Int?
  let terminal: Terminal
  let files: TrainingFiles

  /// What one of the runs came to.
  struct Outcome {
    var label: String
    var session: TrainSession
    /// The parameters at the start.
    var start: [[Tensor<Float>]]
    var log: TrainingLog
    /// Why it ended early.
    var divergence: Divergence?
    var report: TrainingReport?
  }

  /// Explains, trains, and compares.
  func run() throws {
    say(terminal.styled("Lesson: \(lesson.title)", .heading))
    say(terminal.wrapped(lesson.explanation).joined(separator: "\n"))
    var outcomes: [Outcome] = []
    for run in lesson.runs {
      say("\n" + terminal.styled(run.label, .strong))
      outcomes.append(try outcome(of: run))
    }
    say("\n" + comparison(outcomes).lines().joined(separator: "\n"))
    let findings = try lesson.findings(outcomes, files: files)
    for paragraph in findings {
      say("\n" + terminal.wrapped(paragraph).joined(separator: "\n"))
    }
    let name = "lesson-\(lesson.rawValue).svg"
    try WholeFile.write(
      Array(chart(outcomes).document().utf8), to: files.folder.appending(path: name))
    say("\ncurves in \(files.folder.appending(path: name).relativePath)")
  }

  private func outcome(of run: Lesson.Run) throws -> Outcome {
    let session = try TrainSession(run.settings, threads: threads)
    var outcome = Outcome(
      label: run.label, session: session, start: session.run.network.parameters, log: .init())
    let display = TrainingDisplay(
      terminal: terminal, isLive: terminal.isStyled, iterations: run.settings.iterations,
      images: run.settings.batch, log: session.run.log)
    let loop = TrainingLoop(session: session, folder: nil, report: { display.show($0) })
    do {
      if case .finished(let report) = try loop.run() { outcome.report = report }
    } catch let divergence as Divergence {
      outcome.divergence = divergence
      say(terminal.wrapped(divergence.description).joined(separator: "\n"))
    }
    outcome.log = session.run.log
    return outcome
  }

  private func comparison(_ outcomes: [Outcome]) -> TextTable {
    var table = TextTable(
      header: ["run", "loss of the batches", "first", "last 20", "test accuracy"], textColumns: 2)
    table.rows = outcomes.map { outcome in
      let losses = outcome.log.losses.map(Double.init)
      let last = losses.suffix(20)
      let mean = last.reduce(0, +) / Double(max(last.count, 1))
      return [
        outcome.label, Sparkline.text(losses, width: 24, range: 0...max(losses.first ?? 1, 1e-9)),
        losses.first.map { String(format: "%.4f", $0) } ?? "",
        outcome.divergence.map { "\($0.loss) at \($0.iteration)" } ?? String(format: "%.4f", mean),
        outcome.report.map { Format.percent($0.testAccuracy) } ?? "",
      ]
    }
    return table
  }

  private func chart(_ outcomes: [Outcome]) -> SVGCurves {
    let first = outcomes.compactMap { $0.log.losses.first.map(Double.init) }.max() ?? 1
    return SVGCurves(
      title: lesson.title, subtitle: "loss of each batch, mean of neighbours",
      curves: outcomes.enumerated().map { index, outcome in
        .init(name: outcome.label, points: SVGCurves.smoothed(outcome.log.losses), colour: index)
      },
      // A loss that explodes would press all others flat.
      range: 0...max(1.5 * first, 1e-9))
  }

  private func say(_ text: String) {
    print(text)
    fflush(nil)
  }
}
