import Foundation
import Tensors

/// A line on standard error that says how far long work has come, where somebody can see it.
/// Several threads may report their steps.
final class Progress: Sendable {
  private let isShown = isatty(STDERR_FILENO) == 1 && !Terminal.isPlain
  private let total: Int
  private let done = LockedState(0)

  /// Progress over a known number of steps.
  init(steps total: Int) {
    self.total = total
  }

  /// Says what is being done now, as the next step.
  func step(_ what: String) {
    let done = done.withLock { done in
      done += 1
      return done
    }
    guard isShown else { return }
    let filled = 20 * min(done, total) / max(total, 1)
    write("\r\u{1B}[K\(Bars.gauge(filled, of: 20)) \(what)")
  }

  /// Says more of the step that is being done.
  func detail(_ what: String) {
    guard isShown else { return }
    let filled = 20 * min(max(done.withLock { $0 } - 1, 0), total) / max(total, 1)
    write("\r\u{1B}[K\(Bars.gauge(filled, of: 20)) \(what)")
  }

  /// Clears the line.
  func finish() {
    guard isShown else { return }
    write("\r\u{1B}[K")
  }

  private func write(_ text: String) {
    guard !TerminalSignals.isLeaving else { return }
    Output.say(text)
  }
}
