import Foundation

/// What the process is connected to, and how wide and colourful it may write.
struct Terminal {
  /// Columns that a line may fill.
  var width: Int
  /// Whether escape sequences for colour and weight may be written.
  var isStyled: Bool
  /// Whether somebody sits there to press keys.
  var isInteractive: Bool
  /// How pictures may be coloured.
  var colours = Colours.none
  /// Lines of the window; more than any text has where there is no window.
  var height = Int.max

  /// What a terminal understands.
  enum Colours: Sendable {
    /// No colours: pictures are drawn in ASCII.
    case none
    /// The 256 colours of xterm.
    case palette
    /// 24 bits.
    case full
  }

  /// The surroundings of this process.
  static var current: Terminal {
    let writesToTerminal = isatty(STDOUT_FILENO) == 1
    let isStyled = writesToTerminal && !isPlain
    return Terminal(
      width: writesToTerminal ? window.columns : 80, isStyled: isStyled,
      isInteractive: writesToTerminal && isatty(STDIN_FILENO) == 1,
      colours: isStyled ? colours(in: ProcessInfo.processInfo.environment) : .none,
      height: writesToTerminal ? window.rows : .max)
  }

  /// What the environment says that the terminal understands.
  static func colours(in environment: [String: String]) -> Colours {
    let terminal = environment["TERM"] ?? ""
    if ["truecolor", "24bit"].contains(environment["COLORTERM"]) || terminal.hasSuffix("-direct") {
      return .full
    }
    return terminal.contains("256color") ? .palette : .none
  }

  /// Whether the user asks for text without escape sequences.
  static var isPlain: Bool {
    let environment = ProcessInfo.processInfo.environment
    return environment["NO_COLOR"].map { !$0.isEmpty } ?? false || environment["TERM"] == "dumb"
  }

  /// The columns of the window that results are shown in; `nil` where they go somewhere else.
  static var windowWidth: Int? { isatty(STDOUT_FILENO) == 1 ? window.columns : nil }

  /// How wide a table may be: without a window, as wide as it is.
  static var tableRoom: Int { windowWidth ?? .max }

  /// The size of the window, 80×24 where it can't be asked.
  private static var window: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), size.ws_row > 0 ? Int(size.ws_row) : 24)
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

  /// Breaks a paragraph at spaces, and words that are longer than a line where it ends. The lines
  /// are indented.
  func wrapped(_ text: String, indent: Int = 0) -> [String] {
    Self.broken(text, at: max(width - indent, 10)).map {
      String(repeating: " ", count: indent) + $0
    }
  }

  /// A text in lines of a width; words that are longer are cut where a line ends.
  static func broken(_ text: String, at room: Int) -> [String] {
    let room = max(room, 1)
    guard text.count > room else { return text.isEmpty ? [] : [text] }
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty && line.count + 1 + word.count > room {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
      while line.count > room {
        lines.append(String(line.prefix(room)))
        line.removeFirst(room)
      }
    }
    if !line.isEmpty { lines.append(line) }
    return lines
  }
}
