import Foundation
import Layers
import Networks
import Tensors
import Training
import WholeFiles

/// Runs a lesson, and shows what came of it.
struct LessonRunner {
  let lesson: Lesson
  let seed: UInt32
  let threads: Int?
  let terminal: Terminal
  let files: TrainingFiles
  let writing: Writing

  /// Explains, trains, and compares.
  ///
  /// - Throws: `LayerError`, `DatasetError` or `SolverError` when a run can't be made, `FileError` or
  ///   `FileError` when a file can't be written.
  func run() throws {
    let curves = files.folder.appending(path: "\(name).svg").relativePath
    try writing.check(curves, mark: .drawing)
    // Where the curves are a lesson's, so are the filters.
    if !FileManager.default.fileExists(atPath: curves), lesson == .groupTwo {
      for run in lesson.runs(seed: seed) {
        try writing.check(files.folder.appending(path: filters(of: run.label)).relativePath)
      }
    }
    say(terminal.styled("Lesson: \(lesson.title)", .heading))
    say(terminal.wrapped(lesson.explanation).joined(separator: "\n"))
    if lesson == .sharpness { return try runSharpness() }
    let runs = lesson.runs(seed: seed)
    var outcomes: [LessonOutcome] = []
    for (number, run) in runs.enumerated() {
      say("\n" + terminal.styled("Run \(number + 1) of \(runs.count), \(run.label)", .strong))
      outcomes.append(try outcome(of: run))
    }
    say("\n" + comparison(outcomes).joined(separator: "\n"))
    say("\n" + terminal.styled("What these runs show", .heading))
    for finding in lesson.findings(outcomes) { say(text(finding)) }
    let names = try write(outcomes)
    say("\nfiles in \(files.folder.relativePath): \(names.joined(separator: ", "))")
  }

  private func runSharpness() throws {
    say("")
    let measured = try SharpnessLesson(seed: seed) { say($0) }
    say("\n" + measured.table.lines().joined(separator: "\n"))
    say("\n" + terminal.styled("What this run shows", .heading))
    for finding in measured.findings { say(text(finding)) }
    let name = "lesson-\(lesson.rawValue).svg"
    try WholeFile.write(
      Array(measured.chart.document().utf8), to: files.folder.appending(path: name))
    say("\nfiles in \(files.folder.relativePath): \(name)")
  }

  private func outcome(of run: Lesson.Run) throws -> LessonOutcome {
    let session = try TrainSession(run.settings, threads: threads)
    let network = session.run.network
    let start = network.parameters
    let display = TrainingDisplay(
      terminal: terminal, isLive: terminal.isStyled, iterations: run.settings.iterations,
      images: run.settings.batch, log: session.run.log)
    var outcome = LessonOutcome(label: run.label, testImages: run.settings.testImages)
    do {
      _ = try session.train(snapshots: nil) { display.show($0) }
      if lesson.looksAtOwnPictures {
        let own = try session.evaluate(
          network.parameters, on: session.training, images: run.settings.images)
        outcome.ownPictures = .init(loss: own.loss, accuracy: own.accuracy)
      }
    } catch let divergence as Divergence {
      outcome.divergence = (divergence.loss, divergence.iteration)
      say(terminal.wrapped(divergence.description).joined(separator: "\n"))
    }
    outcome.log = session.run.log
    outcome.measure(network, start: start)
    return outcome
  }

  private func comparison(_ outcomes: [LessonOutcome]) -> [String] {
    let header = ["run", "loss of the batches", "first", "last 20", "test accuracy"]
    let cells = outcomes.map { outcome in
      [
        outcome.label, "", outcome.log.losses.first.map { String(format: "%.4f", $0) } ?? "",
        outcome.divergence.map { "\($0.loss) at \($0.iteration)" }
          ?? outcome.lastLoss.map { String(format: "%.4f", $0) } ?? "",
        outcome.test.map { Format.percent($0.accuracy) } ?? "",
      ]
    }
    // The curves get what the other columns leave.
    let room = header.indices.filter { $0 != 1 }.reduce(terminal.width) { room, column in
      room - 2 - ([header] + cells).reduce(0) { max($0, $1[column].count) }
    }
    var table = TextTable(header: header, textColumns: 2)
    table.rows = zip(outcomes, cells).map { outcome, cells in
      let losses = outcome.log.losses
      var row = cells
      row[1] = Bars.curve(
        losses, width: min(max(room, 5), 60), range: 0...max(losses.first ?? 1, 1e-9))
      return row
    }
    return table.lines()
  }

  private func text(_ finding: LessonFinding) -> String {
    let measurement = terminal.wrapped(finding.measurement, indent: 2).joined(separator: "\n")
    let verdict = terminal.wrapped(finding.verdict ?? "", indent: 2).map {
      "\n" + terminal.styled($0, finding.isExpected == true ? .good : .bad)
    }
    return "-" + measurement.dropFirst() + verdict.joined()
  }

  /// What the names of all its files begin with.
  private var name: String { "lesson-\(lesson.rawValue)" }

  /// The file with the filters of a run.
  private func filters(of label: String) -> String {
    "\(name)-\(label.split(separator: " ").joined(separator: "-")).png"
  }

  /// Writes the curves, and the filters where the lesson is about them; returns the files' names.
  private func write(_ outcomes: [LessonOutcome]) throws -> [String] {
    var names = ["\(name).svg"]
    try WholeFile.write(
      Array(chart(outcomes).document().utf8), to: files.folder.appending(path: names[0]))
    for outcome in outcomes where lesson == .groupTwo {
      guard let filters = outcome.filters.map(Raster.filters), !filters.isEmpty else { continue }
      let name = self.filters(of: outcome.label)
      // A row for each half.
      try TrainingFiles.filters(filters, columns: max(filters.count / 2, 1))
        .writePNG(to: files.folder.appending(path: name))
      names.append(name)
    }
    return names
  }

  private func chart(_ outcomes: [LessonOutcome]) -> SVGCurves {
    // Of the same runs with several seeds, those with the first are enough to look at.
    let outcomes =
      lesson == .reluOrTanh
      ? Array(outcomes.prefix(Lesson.bends.count * Lesson.rates.count)) : outcomes
    let curves = outcomes.enumerated().map { index, outcome in
      SVGCurves.Curve(
        name: outcome.label, points: SVGCurves.smoothed(outcome.log.losses.map(Float.init)),
        colour: index)
    }
    // A loss that explodes would press all others flat.
    let first = outcomes.compactMap(\.log.losses.first).max() ?? 1
    let greatest = curves.flatMap(\.points).map(\.value).filter(\.isFinite).max() ?? first
    return SVGCurves(
      title: lesson.title, subtitle: "loss of each batch, mean of neighbours", curves: curves,
      range: 0...max(min(greatest, 1.5 * first), 1e-9))
  }

  private func say(_ text: String) {
    print(text)
    fflush(nil)
  }
}

extension LessonOutcome {
  /// Notes what is to be seen of a network at its end.
  ///
  /// - Parameter start: its parameters at the beginning.
  fileprivate mutating func measure(_ network: Network<Float>, start: [[Tensor<Float>]]) {
    classes = network.plan.layers.last?.input.channels ?? classes
    parameterCount = network.plan.parameterCount
    for (layer, definition) in network.definition.layers.enumerated() {
      for (number, parameter) in network.parameters[layer].enumerated() {
        parameters.append(
          (
            "\(definition.name)'s \(number == 0 ? "weights" : "bias")",
            parameter != start[layer][number]
          ))
      }
    }
    normalisations = NormalisationEffect.all(in: network)
    filters = network.firstFilters
  }
}
