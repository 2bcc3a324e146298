import ArgumentParser
import Foundation

/// The options of `train` that hand the run over to Caffe's own files.
struct SolverOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Train as this solver.prototxt of Caffe's says, on prototxt and LMDB.",
      discussion: """
        Paths in it start from the current folder, as in Caffe, or from its own. Log lines and \
        snapshots are Caffe's. Of all other options only --weights and --resume count then. As in \
        Caffe, a run that is resumed reads its data from their start.
        """))
  var solver: String?

  @Option(help: "Start from the weights of these .caffemodel files, separated by commas.")
  var weights: String?

  /// Trains to the end; `resume` is a .solverstate to go on from.
  ///
  /// - Throws: what is wrong with the files.
  func run(_ solver: String, resume: String?) throws {
    let run = try SolverRun(URL(filePath: solver)) { line in
      print(line)
      // Whoever follows the log through a pipe sees each line when it is written.
      fflush(nil)
    }
    var models = weights.map { $0.split(separator: ",").map(String.init) } ?? []
    if resume == nil, weights == nil {
      models = run.file.message.weights.flatMap { $0.split(separator: ",").map(String.init) }
    }
    for model in models { try run.start(from: URL(filePath: model)) }
    if let resume { try run.resume(from: URL(filePath: resume)) }
    let interruption = Interruption()
    if case .interrupted(let state) = try run.solve(isInterrupted: { interruption.hasCome }) {
      throw interruption.farewell(
        iteration: run.solver.iteration,
        resuming: "--solver \(solver) --resume \(state.relativePath)")
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
  }
}
