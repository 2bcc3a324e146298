import Foundation

/// What somebody types into the terminal, and what happens to its window meanwhile.
///
/// Whole lines are read, not single keys: so the terminal stays as it was, whatever ends the
/// process, and its own editing, a screen reader and a script all work.
struct TerminalInput {
  enum Event: Equatable {
    case line(String)
    /// The window has another width.
    case resized
    /// The process was stopped and goes on.
    case resumed
    /// There will be no more lines.
    case ended
  }

  /// How long a window has to keep its size, in milliseconds, until it counts: whoever drags its
  /// border sends dozens.
  private let patience: Int32 = 120

  /// Waits for the next event.
  ///
  /// - Parameter width: of the window when it was last drawn.
  func next(drawnFor width: Int) -> Event {
    while true {
      var sources = [STDIN_FILENO, TerminalSignals.wakeUps].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      guard poll(&sources, nfds_t(sources.count), -1) >= 0 || errno == EINTR else { return .ended }
      // A terminal hands out one line at a time, so none waits in a buffer where `poll` can't see it.
      if sources[0].revents != 0 { return readLine().map { .line($0) } ?? .ended }
      if sources[1].revents != 0 {
        let signals = settledSignals()
        if Terminal.current.width != width {
          // What was typed of a line goes with the screen that it stood on.
          tcflush(STDIN_FILENO, TCIFLUSH)
          return .resized
        }
        if signals.contains(UInt8(SIGCONT)) { return .resumed }
      }
    }
  }

  /// The signals that have come, once no more come for a while.
  private func settledSignals() -> [UInt8] {
    var signals: [UInt8] = []
    var source = pollfd(fd: TerminalSignals.wakeUps, events: Int16(POLLIN), revents: 0)
    var bytes = [UInt8](repeating: 0, count: 64)
    while true {
      let count = read(source.fd, &bytes, bytes.count)
      if count > 0 { signals += bytes[..<count] }
      let ready = poll(&source, 1, patience)
      // A signal interrupts the waiting: it is in the pipe by now.
      if ready == 0 || ready < 0 && errno != EINTR { return signals }
    }
  }
}
