import Foundation

/// What the process is connected to, and how wide and colourful it may write.
struct Terminal {
  /// Columns that a line may fill.
  var width: Int
  /// Whether escape sequences for colour and weight may be written.
  var isStyled: Bool
  /// Whether somebody sits there to press keys.
  var isInteractive: Bool

  /// The surroundings of this process.
  static var current: Terminal {
    let writesToTerminal = isatty(STDOUT_FILENO) == 1
    return Terminal(
      width: writesToTerminal ? columns() : 80,
      isStyled: writesToTerminal && !isPlain,
      isInteractive: writesToTerminal && isatty(STDIN_FILENO) == 1)
  }

  /// Whether the user asks for text without escape sequences.
  static var isPlain: Bool {
    let environment = ProcessInfo.processInfo.environment
    return environment["NO_COLOR"].map { !$0.isEmpty } ?? false || environment["TERM"] == "dumb"
  }

  /// The width of the window, 80 where it can't be asked.
  private static func columns() -> Int {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}

extension Terminal {
  /// How a piece of text stands out.
  enum Style: String {
    case heading = "1;36"
    case strong = "1"
    case faint = "2"
    case good = "32"
    case bad = "31"
  }

  /// The text with escape sequences around it, where they may be written.
  func styled(_ text: String, _ style: Style) -> String {
    isStyled ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// Breaks a paragraph at spaces, its lines indented.
  func wrapped(_ text: String, indent: Int = 0) -> [String] {
    let room = max(width - indent, 20)
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty && line.count + 1 + word.count > room {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    if !line.isEmpty { lines.append(line) }
    return lines.map { String(repeating: " ", count: indent) + $0 }
  }
}
