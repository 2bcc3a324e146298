import Foundation
import Synchronization

/// A check in a process of its own, which the learner's code may bring down.
struct Attempt {
  private let exercise: Exercise

  init(_ exercise: Exercise) {
    self.exercise = exercise
  }

  /// What became of a check.
  enum Verdict {
    case right, wrong, unwritten, trapped
  }

  /// Runs it, prints what was found, and tells whether everything is right.
  func run() throws -> Bool {
    let (process, errors) = try start(output: nil)
    let patience = DispatchWorkItem { Self.note(Text.stillRunning) }
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(30), execute: patience)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    patience.cancel()
    guard process.terminationReason == .uncaughtSignal else {
      Self.note(said)
      return process.terminationStatus == 0
    }
    print(
      Text.trapped(exercise, message: message(in: said), line: line(in: said))
        .joined(separator: "\n"))
    return false
  }

  /// Runs it without a word, and tells what became of it.
  func verdict() throws -> Verdict {
    let output = Pipe()
    let (process, errors) = try start(output: output)
    // A check prints a few lines, which the pipes hold; a trap prints more on standard error.
    let drained = DispatchQueue.global()
    drained.async { _ = errors.fileHandleForReading.readDataToEndOfFile() }
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationReason == .uncaughtSignal { return .trapped }
    if process.terminationStatus == 0 { return .right }
    return said.contains(Text.toBeWritten) ? .unwritten : .wrong
  }

  /// Starts the check; what it says of errors goes into a pipe.
  private func start(output: Pipe?) throws -> (process: Process, errors: Pipe) {
    let process = Process()
    process.executableURL = Bundle.main.executableURL
    process.arguments = [exercise.name, "--here"]
    process.environment = ProcessInfo.processInfo.environment.merging([
      // Where a trap happened, in a form that can be read; nothing of it is shown.
      "SWIFT_BACKTRACE": "enable=yes,interactive=no,color=no,threads=crashed,limit=32,sanitize=no"
    ]) { $1 }
    let errors = Pipe()
    process.standardError = errors
    if let output { process.standardOutput = output }
    try process.run()
    return (process, errors)
  }

  /// Ends this process, with an explanation, once it has computed for two minutes, or for as many
  /// seconds as `EXERCISE_SECONDS` says: a check takes seconds. Time in which others have the
  /// processor doesn't count.
  static func endIfEndless(_ exercise: Exercise) -> any DispatchSourceTimer {
    let seconds = ProcessInfo.processInfo.environment["EXERCISE_SECONDS"].flatMap(Int.init) ?? 120
    let timer = DispatchSource.makeTimerSource(queue: .global())
    timer.setEventHandler {
      // POSIX: a second of `clock` is a million.
      guard Int(clock()) / 1_000_000 >= seconds else { return }
      print(Text.endless(exercise).joined(separator: "\n"))
      fflush(nil)
      _exit(1)
    }
    timer.schedule(deadline: .now() + 1, repeating: 1)
    timer.resume()
    return timer
  }

  /// Whether the learner's code is running: a process that ends meanwhile has no verdict.
  private static let isUnderway = Atomic(false)

  /// Runs the learner's code; where it ends the process, says so instead of passing for right.
  static func refusingToEnd<Result>(_ body: () -> Result) -> Result {
    isUnderway.store(true, ordering: .releasing)
    atexit {
      guard Attempt.isUnderway.load(ordering: .acquiring) else { return }
      print(
        "Your code ends the program (exit) before the check is done. Leave that out: return instead."
      )
      fflush(nil)
      _exit(1)
    }
    defer { isUnderway.store(false, ordering: .releasing) }
    return body()
  }

  private static func note(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }

  /// What the runtime says of a trap: `Fatal error: Index out of range`.
  private func message(in text: String) -> String? {
    text.firstMatch(of: /Fatal error: ([^\n]*)/).map { String($0.output.1) }
  }

  /// The innermost line of the learner's file in the backtrace.
  private func line(in text: String) -> Int? {
    text.matches(of: /([A-Za-z0-9]+\.swift):([0-9]+)/)
      .first { $0.output.1 == exercise.file }
      .flatMap { Int($0.output.2) }
  }
}
