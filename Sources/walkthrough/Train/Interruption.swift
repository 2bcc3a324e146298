import Dispatch
import Foundation
import Synchronization

/// Remembers that the user (Ctrl-C) or the system (SIGTERM) wants the process to end, so that a
/// run can finish its iteration first. Asked a second time, the process ends at once.
final class Interruption {
  private final class Signal: Sendable {
    let number = Mutex<Int32?>(nil)
  }

  private let received = Signal()
  private let sources: [any DispatchSourceSignal]

  /// Takes SIGINT and SIGTERM from now on, for the rest of the process.
  init() {
    let queue = DispatchQueue(label: "signals", qos: .userInteractive)
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: queue)
    }
    for (source, number) in zip(sources, [SIGINT, SIGTERM]) {
      source.setEventHandler { [received] in
        received.number.withLock { $0 = $0 ?? number }
        signal(number, SIG_DFL)
      }
      source.resume()
    }
  }

  deinit {
    for (source, number) in zip(sources, [SIGINT, SIGTERM]) {
      source.cancel()
      signal(number, SIG_DFL)
    }
  }

  /// The exit code of a process that a signal ended, 128 + its number; `nil` where none came.
  var exitCode: Int32? { received.number.withLock { $0.map { 128 + $0 } } }
}
