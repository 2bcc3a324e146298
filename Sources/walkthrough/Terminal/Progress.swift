import Foundation

/// A line on standard error that says how far long work has come, where somebody can see it.
final class Progress {
  private let isShown = isatty(STDERR_FILENO) == 1 && !Terminal.isPlain
  private let total: Int
  private var done = 0

  /// Progress over a known number of steps.
  init(steps total: Int) {
    self.total = total
  }

  /// Says what is being done now, as the next step.
  func step(_ what: String) {
    done += 1
    guard isShown else { return }
    let filled = 20 * min(done, total) / max(total, 1)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
    write("\r\u{1B}[K\(bar) \(what)")
  }

  /// Clears the line.
  func finish() {
    guard isShown else { return }
    write("\r\u{1B}[K")
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}
