import ArgumentParser
import Foundation

/// The command behind script/exercise.
@main
struct ExerciseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exercise",
    abstract: "Checks what you have written in Exercises/Sources/Exercises.",
    discussion: """
      Each exercise has a file with the formulas and with gaps. Replace the gaps with your code and \
      run the check: it compares with the naive version of the layer, with finite differences and \
      with dual numbers, and says what is probably wrong.

      The exit code is 0 only when everything that was checked is right.
      """)

  @Argument(help: "The exercise, by name; --list shows them. Or: train.")
  var name: String?

  @Flag(help: "Check all exercises.")
  var all = false

  @Flag(help: "List the exercises.")
  var list = false

  @Flag(help: "Show one more hint than last time.")
  var hint = false

  @Flag(help: "Show all hints.")
  var hints = false

  @Option(help: "How long to train.")
  var iterations: Int?

  @Option(help: "The folder for the trained network; yours if left out.")
  var output: String?

  @Flag(
    help: ArgumentHelp("Check in this process, and trap if the code does.", visibility: .hidden))
  var here = false

  func validate() throws {
    if list || all {
      guard name == nil, !(list && all), !hint, !hints else {
        throw ValidationError("--\(list ? "list" : "all") stands alone.")
      }
    } else if name == nil {
      throw ValidationError("Which exercise? Name one, or use --all or --list.")
    }
    if name == "train" {
      guard !hint, !hints, !here else { throw ValidationError("train takes no hints.") }
      guard (1...100_000).contains(iterations ?? 1) else {
        throw ValidationError("--iterations \(iterations ?? 1): must be from 1 to 100000.")
      }
    } else {
      guard iterations == nil, output == nil else {
        throw ValidationError("--iterations and --output belong to train.")
      }
      _ = try exercise
    }
  }

  private var exercise: Exercise? {
    get throws {
      guard let name else { return nil }
      if let found = Exercise.all.first(where: { $0.name == name }) { return found }
      let names = Exercise.all.map(\.name).joined(separator: ", ")
      throw ValidationError("\(name): no such exercise; there are \(names).")
    }
  }

  func run() throws {
    if list {
      print(Text.list)
      return
    }
    if name == "train" {
      var training = Training(
        iterations: iterations ?? 200, folder: URL(filePath: output ?? "yours"))
      try training.run()
      return
    }
    guard let exercise = try exercise else {
      // All of them, not only up to the first that fails.
      var right = 0
      for exercise in Exercise.all {
        right += try Attempt(exercise).run() ? 1 : 0
        print()
        // Before the next process writes.
        fflush(nil)
      }
      print("\(right) of \(Exercise.all.count) exercises are right.")
      if right < Exercise.all.count { throw ExitCode.failure }
      return
    }
    if hint || hints {
      print(hints ? Text.hints(exercise, exercise.hints.count) : HintBook().next(for: exercise))
      return
    }
    if here {
      let limit = Attempt.endIfEndless(exercise)
      defer { limit.cancel() }
      let states = Attempt.refusingToEnd { exercise.states() }
      print(Text.lines(exercise, states).joined(separator: "\n"))
      if !Text.isRight(states) { throw ExitCode.failure }
    } else if try !Attempt(exercise).run() {
      throw ExitCode.failure
    }
  }
}
