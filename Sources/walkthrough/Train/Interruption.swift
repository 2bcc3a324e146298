import ArgumentParser
import Dispatch
import Foundation
import Tensors

/// Remembers that the user (Ctrl-C) or the system (SIGTERM) wants the process to end, so that a
/// run can finish its iteration first. Asked a second time, the process ends at once.
final class Interruption {
  private final class Signal: Sendable {
    let number = LockedState<Int32?>(nil)
  }

  private let received = Signal()
  private let sources: [any DispatchSourceSignal]

  /// Takes SIGINT and SIGTERM from now on, as long as this lives.
  init() {
    let queue = DispatchQueue(label: "signals", qos: .userInteractive)
    sources = [SIGINT, SIGTERM].map { [received] number in
      // Not SIG_IGN: what is ignored stays so in every program that is started meanwhile.
      let before = signal(number) { _ in }
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [received] in
        received.number.withLock { $0 = $0 ?? number }
        source.cancel()
      }
      source.setCancelHandler { signal(number, before) }
      source.resume()
      return source
    }
  }

  deinit {
    for source in sources { source.cancel() }
  }

  /// Whether a signal has come.
  var hasCome: Bool { received.number.withLock { $0 != nil } }

  /// Says how to go on with a run that was stopped.
  ///
  /// - Parameters:
  ///   - iteration: how many iterations it had taken.
  ///   - arguments: what `walkthrough train` has to be told to go on.
  /// - Returns: the code to exit with.
  func farewell(iteration: Int, resuming arguments: String) -> ExitCode {
    let text =
      "stopped behind iteration \(iteration). Go on with: walkthrough train \(arguments)\n"
    FileHandle.standardError.write(Data(text.utf8))
    return exitCode
  }

  /// The exit code of a process that a signal ended, 128 + its number.
  var exitCode: ExitCode { ExitCode(128 + (received.number.withLock { $0 } ?? SIGINT)) }
}
