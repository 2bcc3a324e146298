import ArgumentParser
import CaffeFormats
import Fast
import Foundation
import Layers
import Tensors
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
      number or a file can't be read or written, and 0 at the end. SIGUSR1 does the same.

      With --distributed the processes that mpirun has started share the blocks of each batch. The \
      parameters have the same bits on any number of ranks, also if it changes at a --resume. \
      script/walkthrough-mpi builds a program with MPI and starts it.
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

  @Flag(help: "Share the work with the other processes that mpirun has started.")
  var distributed = false

  @Flag(
    inversion: .prefixedNo,
    help: """
      Exchange gradients while others are computed. (default: where each rank has a core to spare)
      """)
  var overlap: Bool?

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
        || !options.isAnyGiven && output == nil && !json && !writing.force
    else {
      throw ValidationError(
        "--solver: the file decides all else; leave out everything but --weights, --resume, --blocks, "
          + "--distributed, --threads, --overlap and --exact.")
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
    guard overlap == nil || distributed else {
      throw ValidationError(
        "--overlap and --no-overlap go with --distributed: one process exchanges nothing.")
    }
    guard !distributed || lesson == nil else {
      throw ValidationError("--lesson runs on one process: leave out --distributed.")
    }
  }

  func run() throws {
    let ranks = try Ranks(isDistributed: distributed)
    try ranks.run { try exactness { try run(on: ranks) } }
  }

  private func run(on ranks: Ranks) throws {
    if let solver = caffe.solver {
      return try caffe.run(
        solver, resume: resume, blocks: options.blocks ?? 1, on: ranks, threads: threads,
        overlap: overlap)
    }
    if let lesson {
      let files = try TrainingFiles(URL(fileNamed: output ?? Self.defaultFolder))
      let lock = try FolderLock(files.folder)
      try LessonRunner(
        lesson: lesson, seed: options.lessonSeed(), threads: threads, terminal: .current,
        files: files, writing: writing
      ).run()
      withExtendedLifetime(lock) {}
      return
    }
    let start = try start(on: ranks)
    let share = ranks.shareOfMachine(threads: threads, overlap: overlap)
    let engine = Engine(threads: share.threads)
    let version = start.settings.version
    if start.settings.precision == .double, let backend = version.doubleBackend(engine: engine) {
      try train(from: start, on: ranks, backend: backend, overlaps: share.overlaps)
    } else {
      try train(
        from: start, on: ranks, backend: start.settings.backend(engine: engine),
        overlaps: share.overlaps)
    }
  }

  /// Where a run starts, and where it leaves its files.
  private typealias Start = (settings: TrainSettings, snapshot: Snapshot?, output: URL)

  private func train<Scalar: Tensors.Scalar>(
    from start: Start, on ranks: Ranks, backend: any Backend<Scalar>, overlaps: Bool
  ) throws {
    let communicator = ranks.communicator
    let folder = SnapshotFolder(start.output)
    // Rank 0 writes all files.
    let place = try communicator.together {
      ranks.isFirst ? try prepare(start.output, folder, start.settings) : nil
    }
    defer { withExtendedLifetime(place) {} }
    let session = try communicator.together {
      try TrainSession(
        start.settings, backend: backend, from: start.snapshot, communicator: communicator,
        overlaps: overlaps)
    }
    try session.run.requireSameStart(
      program: Ranks.program,
      settings: try JSON.text(start.settings).split(separator: "\n").map {
        $0.trimmingCharacters(in: CharacterSet(charactersIn: " ,"))
      }.joined(separator: "\n"))
    if ranks.isFirst { for warning in session.warnings { note("warning: \(warning)") } }
    var terminal = Terminal.current
    // To a rank, mpirun is a terminal, whatever its own output goes to.
    if communicator.size > 1 { (terminal.isStyled, terminal.colours) = (false, .none) }
    let display = TrainingDisplay(
      terminal: terminal, isLive: terminal.isStyled,
      iterations: start.settings.iterations,
      images: start.settings.batch * start.settings.gradientAccumulationSteps, log: session.run.log,
      ranks: communicator.size)
    if !json, ranks.isFirst {
      print(session.title)
      if start.settings.dataset != nil {
        print(terminal.wrapped("Tested on \(session.testSet.description).").joined(separator: "\n"))
      }
    }

    let interruption = Interruption(also: [SIGUSR1])
    var history = FilterHistory()
    let moments = self.history.map { _ in
      FilterHistory.schedule(iterations: start.settings.iterations)
    }
    if moments != nil { history.add(session.run.network.parameters, iteration: 0) }
    do {
      let ending = try session.train(
        snapshots: folder, isInterrupted: { interruption.hasCome },
        report: { event in
          guard ranks.isFirst else { return }
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
        guard let files = place?.files else { return }
        let names = try files.write(report, session.run.network)
        try writePage(of: report)
        if let path = self.history {
          history.finish(report)
          try history.archive().write(to: URL(fileNamed: path))
        }
        if json { return print(try TrainingLines.line(report, ranks: communicator.size)) }
        let text = TrainingText(report: report, terminal: terminal)
        print(text.lines().joined(separator: "\n"))
        print("files in \(files.folder.relativePath): \(names.joined(separator: ", "))")
        if let html { print("page: \(html)") }
        if let path = self.history { print("history: \(path)") }
        print(files.invitation(report))
      case .finishedElsewhere: return
      case .interrupted(let file):
        guard ranks.isFirst else { return }
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

  /// Makes the folder that the run leaves its files in, and locks it.
  private func prepare(
    _ output: URL, _ folder: SnapshotFolder, _ settings: TrainSettings
  ) throws -> (files: TrainingFiles, lock: FolderLock) {
    let files = try TrainingFiles(output)
    let lock = try FolderLock(output)
    let databases = [settings.dataset, settings.testDataset].map { $0.map { "\($0)/data.mdb" } }
    try writing.check(html, mark: .page, inputs: databases + [resume])
    try writing.check(history, mark: .history, inputs: databases)
    // A run leaves its files where it has left its snapshots.
    if resume == nil || self.output != nil { try files.check(writing, settings) }
    try Writing.requireApart([html, history].compactMap { $0 } + files.paths(settings))
    if resume == nil, let file = folder.files.first {
      throw SettingsError(
        description: "\(output.relativePath) holds snapshots of another run, the newest "
          + "\(file.lastPathComponent): go on with --resume \(output.relativePath), or "
          + "choose another --output")
    }
    folder.removeUnfinished()
    return (files, lock)
  }

  private static let defaultFolder = "training"

  /// A run of its own, or one that goes on.
  private func start(on ranks: Ranks) throws -> Start {
    let communicator = ranks.communicator
    guard let resume else {
      var settings = try communicator.together { try options.settings() }
      settings.isExact = exactness.exact
      return (settings, nil, URL(fileNamed: output ?? Self.defaultFolder))
    }
    let found = try communicator.together { ranks.isFirst ? try newest(at: resume) : nil }
    if let found {
      for error in found.damaged { note("passed over: \(error)") }
      note("going on from \(found.file.relativePath), iteration \(found.snapshot.iteration)")
    }
    // Rank 0 has read it, and the others get it from there.
    let snapshot = try communicator.broadcast(found?.snapshot)
    let folder =
      output.map { URL(fileNamed: $0) } ?? found?.file.deletingLastPathComponent()
      ?? URL(fileNamed: resume)
    var settings = try communicator.together {
      try options.settings(continuing: TrainSettings(snapshot))
    }
    if exactness.exact { settings.isExact = true }
    if ranks.isFirst, snapshot.iteration >= settings.iterations {
      note("all \(settings.iterations) iterations are taken; a larger --iterations goes further")
    }
    return (settings, snapshot, folder)
  }

  private func newest(at resume: String) throws -> SnapshotFolder.Found {
    do {
      return try SnapshotFolder.newest(at: URL(fileNamed: resume))
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
