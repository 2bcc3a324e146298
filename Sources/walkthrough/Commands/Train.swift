import ArgumentParser
import CaffeFormats
import Foundation
import Training
import WholeFiles

/// Training on synthetic pictures.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a network on pictures, synthetic or your own, and shows how it learns.",
    discussion: """
      At the end the output folder holds the network (mini.caffemodel), curves (loss.svg, \
      accuracy.svg) and the first layer's filters before and after (conv1-before.png, \
      conv1-after.png). The same seed gives the same parameters, digest and all, on any number of \
      threads.

      A snapshot is an .npz, from which the run goes on, and beside it Caffe's .caffemodel and \
      .solverstate, for classify, test, dump, OpenCV and Caffe.

      Ctrl-C finishes the iteration, writes a snapshot and says how to go on; a second one ends at \
      once. The exit code is then 130 (143 after SIGTERM); it is 1 when the loss is no longer a \
      number or a file can't be read or written, and 0 at the end.
      """)

  @OptionGroup var options: TrainOptions

  @OptionGroup var caffe: SolverOptions

  @OptionGroup var exactness: ExactOption

  @Option(help: "The folder for snapshots, curves and filters. (default: training)")
  var output: String?

  @Option(
    help: "Go on from a snapshot, or from the newest whole one of a folder; the settings are there."
  )
  var resume: String?

  @Option(parsing: .unconditional, help: "The number of threads; all cores if left out.")
  var threads: Int?

  @Option(help: "A lesson instead of a run of your own; of the settings it takes only the seed.")
  var lesson: Lesson?

  @Option(help: "Write the finished run as one self-contained page to this file.")
  var html: String?

  @Option(
    help: "Write the first layer's filters at 21 iterations, and the losses, to this .npz.")
  var history: String?

  @Flag(help: "Print JSON Lines for programs.")
  var json = false

  @OptionGroup var writing: Writing

  func validate() throws {
    guard (1...1024).contains(threads ?? 1) else {
      throw ValidationError("--threads \(threads ?? 1): must be from 1 to 1024.")
    }
    try caffe.check(resume: resume)
    guard
      caffe.solver == nil
        || !options.isAnyGiven && output == nil && threads == nil && !json && !writing.force
    else {
      throw ValidationError(
        "--solver: the file decides all else; leave out everything but --weights and --resume.")
    }
    guard options.dataset == nil || options.images == nil else {
      throw ValidationError("--images is of synthetic pictures: leave it out beside --dataset.")
    }
    guard options.testDataset == nil || options.dataset != nil || resume != nil else {
      throw ValidationError("--test-dataset: needs --dataset beside it.")
    }
    guard lesson == nil || resume == nil && caffe.solver == nil && !json else {
      throw ValidationError("--lesson goes with none of --resume, --solver and --json.")
    }
    guard html == nil || lesson == nil && caffe.solver == nil else {
      throw ValidationError("--html shows a run of your own: leave out --lesson and --solver.")
    }
    guard history == nil || lesson == nil && caffe.solver == nil && resume == nil else {
      throw ValidationError(
        "--history follows a run of your own from its start: leave out --lesson, --solver and "
          + "--resume.")
    }
  }

  func run() throws { try exactness { try runVersions() } }

  private func runVersions() throws {
    if let solver = caffe.solver { return try caffe.run(solver, resume: resume) }
    if let lesson {
      let files = try TrainingFiles(URL(fileNamed: output ?? Self.defaultFolder))
      let lock = try FolderLock(files.folder)
      try LessonRunner(
        lesson: lesson, seed: options.lessonSeed(), threads: threads, terminal: .current,
        files: files
      ).run()
      withExtendedLifetime(lock) {}
      return
    }
    let start = try start()
    let files = try TrainingFiles(start.output)
    let lock = try FolderLock(start.output)
    defer { withExtendedLifetime(lock) {} }
    let folder = SnapshotFolder(start.output)
    try writing.check(html, mark: .page)
    if resume == nil { try files.check(writing) }
    if resume == nil, let file = folder.files.first {
      throw SettingsError(
        description: "\(start.output.relativePath) holds snapshots of another run, the newest "
          + "\(file.lastPathComponent): go on with --resume \(start.output.relativePath), or "
          + "choose another --output")
    }
    folder.removeUnfinished()
    let session = try TrainSession(start.settings, threads: threads, from: start.snapshot)
    for warning in session.warnings { note("warning: \(warning)") }
    let terminal = Terminal.current
    let display = TrainingDisplay(
      terminal: terminal, isLive: terminal.isStyled,
      iterations: start.settings.iterations,
      images: start.settings.batch * start.settings.gradientAccumulationSteps, log: session.run.log)
    if !json {
      print(session.title)
      if start.settings.dataset != nil {
        print(terminal.wrapped("Tested on \(session.testSet.description).").joined(separator: "\n"))
      }
    }

    let interruption = Interruption()
    var history = FilterHistory()
    let moments = self.history.map { _ in
      FilterHistory.schedule(iterations: start.settings.iterations)
    }
    if moments != nil { history.add(session.run.network.parameters, iteration: 0) }
    do {
      let ending = try session.train(
        snapshots: folder, isInterrupted: { interruption.hasCome },
        report: { event in
          if case .iteration(let step) = event, moments?.contains(step.iteration) == true {
            history.add(session.run.network.parameters, iteration: step.iteration)
          }
          if !json { return display.show(event) }
          if let line = try? TrainingLines.line(event) { print(line) }
          // Whoever follows through a pipe sees each line when it is written.
          fflush(nil)
        })
      switch ending {
      case .finished(let report):
        let names = try files.write(report, session.run.network)
        try writePage(of: report)
        if let path = self.history {
          history.finish(report)
          try history.archive().write(to: URL(filePath: path))
        }
        if json { return print(try TrainingLines.line(report)) }
        let text = TrainingText(report: report, terminal: terminal)
        print(text.lines().joined(separator: "\n"))
        print("files in \(files.folder.relativePath): \(names.joined(separator: ", "))")
        if let html { print("page: \(html)") }
        if let path = self.history { print("history: \(path)") }
        print(files.invitation(report))
      case .interrupted(let file):
        if !json { display.clear() }
        throw interruption.farewell(
          iteration: session.run.solver.iteration,
          resuming: ["--resume", (file ?? folder.url).relativePath])
      }
    } catch let divergence as Divergence {
      let last = folder.files.first.map { ". The last good snapshot is \($0.relativePath)" } ?? ""
      throw SettingsError(description: divergence.description + last)
    }
  }

  private static let defaultFolder = "training"

  /// Where a run starts, and where it leaves its files.
  private func start() throws -> (settings: TrainSettings, snapshot: Snapshot?, output: URL) {
    guard let resume else {
      return (try options.settings(), nil, URL(fileNamed: output ?? Self.defaultFolder))
    }
    let found: SnapshotFolder.Found
    do {
      found = try SnapshotFolder.newest(at: URL(fileNamed: resume))
    } catch {
      // Another program's file says more by what it is than by what it is not.
      guard let bytes = try? WholeFile.read(URL(fileNamed: resume)),
        let kind = FileKind(of: bytes), kind != .archive
      else { throw error }
      throw SettingsError(
        description:
          "\(resume): is \(kind.description); --resume takes a snapshot (.npz) or a folder of "
          + "them, and beside --solver a .solverstate")
    }
    for error in found.damaged { note("passed over: \(error)") }
    note("going on from \(found.file.relativePath), iteration \(found.snapshot.iteration)")
    let settings = try options.settings(continuing: TrainSettings(found.snapshot))
    let folder = output.map { URL(fileNamed: $0) } ?? found.file.deletingLastPathComponent()
    return (settings, found.snapshot, folder)
  }

  /// Writes the page where `--html` says, if it does.
  private func writePage(of report: TrainingReport) throws {
    guard let html else { return }
    try WholeFile.write(
      Array(try TrainingPage(report: report).document().utf8), to: URL(fileNamed: html))
  }

  /// Says something that is no result.
  private func note(_ text: String) {
    Output.say(Escaping.visible(text) + "\n")
  }
}
