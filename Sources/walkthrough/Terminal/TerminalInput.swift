import Foundation

/// What is typed into the terminal, and what happens to its window meanwhile.
///
/// Keys are read one by one, so that arrows work without Enter; the line that is typed is shown and can be
/// taken back. The terminal's settings are given back by `close`, and by `TerminalSignals` when a signal
/// ends or stops the process.
final class TerminalInput {
  enum Event: Equatable {
    case line(String)
    case key(Key)
    /// The window has another width.
    case resized
    /// The process was stopped and goes on.
    case resumed
    /// There will be no more lines.
    case ended
  }

  enum Key: Equatable, CaseIterable { case up, down, left, right, pageUp, pageDown, home, end }

  /// How long a window has to keep its size, in milliseconds, until it counts: whoever drags its
  /// border sends dozens.
  private let patience: Int32 = 120

  /// What has been read and not been used, and the line that is being typed.
  private var bytes: [UInt8] = []
  private var line: [UInt8] = []
  private var hasRead = false

  /// Waits for the next event.
  ///
  /// - Parameter width: of the window when it was last drawn.
  func next(drawnFor width: Int) -> Event {
    while true {
      TerminalSignals.readKeys()
      if let event = event() { return event }
      var sources = [STDIN_FILENO, TerminalSignals.wakeUps].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      guard poll(&sources, nfds_t(sources.count), -1) >= 0 || errno == EINTR else { return .ended }
      if sources[0].revents != 0, !fill() { return .ended }
      if sources[1].revents != 0 {
        let signals = settledSignals()
        if Terminal.current.width != width {
          // What was typed of a line goes with the screen that it stood on.
          tcflush(STDIN_FILENO, TCIFLUSH)
          (bytes, line) = ([], [])
          return .resized
        }
        if signals.contains(UInt8(SIGCONT)) {
          line = []
          return .resumed
        }
      }
    }
  }

  /// Gives the terminal's settings back.
  func close() { TerminalSignals.readLines() }

  /// Reads what there is; false at the end.
  private func fill() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1024)
    let count = read(STDIN_FILENO, &buffer, buffer.count)
    guard count > 0 else { return count < 0 && (errno == EINTR || errno == EAGAIN) }
    // Ctrl-D that was typed while the terminal still gave whole lines has become a zero.
    bytes += buffer[..<count].map { $0 == 0 && !hasRead ? 0x04 : $0 }
    hasRead = true
    return true
  }

  /// What the bytes come to that have been read; `nil` while no line and no key is whole.
  private func event() -> Event? {
    while let byte = bytes.first {
      switch byte {
      case 0x1B:
        if let key = key() { return .key(key) }
        continue
      case 0x20 where line.isEmpty:
        bytes.removeFirst()
        return .key(.pageDown)
      default: bytes.removeFirst()
      }
      switch byte {
      case 0x0A, 0x0D:
        defer { line = [] }
        echo("\n")
        return .line(String(decoding: line, as: UTF8.self))
      case 0x04: if line.isEmpty { return .ended }
      case 0x0C: return .line("r")
      case 0x15:
        while !line.isEmpty { takeBack() }
      case 0x08, 0x7F: takeBack()
      case 0x00..<0x20: break
      default:
        line.append(byte)
        write(STDOUT_FILENO, [byte], 1)
      }
    }
    return nil
  }

  /// The key of the escape sequence that the bytes begin with, which is taken away; `nil` where it means
  /// none.
  private func key() -> Key? {
    if bytes.count < 3 {
      // A sequence comes in one piece; Escape alone is followed by nothing.
      var source = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      if poll(&source, 1, 30) > 0, fill() { return key() }
      guard bytes.count == 2, bytes[1] == UInt8(ascii: "[") || bytes[1] == UInt8(ascii: "O") else {
        bytes.removeFirst()
        return nil
      }
      bytes.removeFirst(2)
      return nil
    }
    guard bytes[1] == UInt8(ascii: "[") || bytes[1] == UInt8(ascii: "O") else {
      bytes.removeFirst()
      return nil
    }
    let parameters = bytes.dropFirst(2).prefix { (0x20..<0x40).contains($0) }
    let length = 3 + parameters.count
    guard bytes.count >= length else {
      bytes = []
      return nil
    }
    let last = String(decoding: parameters + [bytes[length - 1]], as: UTF8.self)
    bytes.removeFirst(length)
    return Self.keys[last]
  }

  private static let keys: [String: Key] = [
    "A": .up, "B": .down, "C": .right, "D": .left, "H": .home, "F": .end, "1~": .home, "7~": .home,
    "4~": .end, "8~": .end, "5~": .pageUp, "6~": .pageDown,
  ]

  /// Takes the last character of the line back, from the screen too.
  private func takeBack() {
    guard !line.isEmpty else { return }
    while let byte = line.popLast(), byte & 0xC0 == 0x80 {}
    echo("\u{8} \u{8}")
  }

  private func echo(_ text: String) {
    print(text, terminator: "")
    fflush(nil)
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
