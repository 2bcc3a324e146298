import Foundation

/// The tour in a terminal: a screenful of a station at a time, and on where the reader says.
struct TourWalk {
  let report: TourReport
  private let tour: TourStops

  init(_ report: TourReport) {
    self.report = report
    tour = TourStops(report)
  }

  /// The screen: which lines of a station are on it.
  struct Screen: Equatable {
    /// The number of the station, its lines, and how many fit.
    var station: Int
    var count: Int
    var room: Int
    /// The first line that is seen.
    var first = 0

    /// The line behind the last that is seen.
    var end: Int { min(first + room, count) }

    /// Where a key leads in the station; `nil` where it leads out of it.
    func moved(by key: TerminalInput.Key) -> Screen? {
      var screen = self
      switch key {
      case .pageDown, .down:
        guard end < count else { return nil }
        screen.first = end
      case .pageUp, .up:
        guard first > 0 else { return nil }
        screen.first = max(first - room, 0)
      case .home:
        guard first > 0 else { return nil }
        screen.first = 0
      case .end:
        guard end < count else { return nil }
        screen.first = count - room
      case .left, .right: return nil
      }
      return screen
    }
  }

  /// Shows stations until the reader has seen enough.
  func run() {
    let input = TerminalInput()
    defer { input.close() }
    var screen = opened(0)
    while true {
      let terminal = Terminal.current
      prompt(terminal, screen)
      switch input.next(drawnFor: terminal.width) {
      case .resized:
        // What the terminal made of lines of another width is of no use.
        if terminal.isStyled { print("\u{1B}[H\u{1B}[2J", terminator: "") } else { print("") }
        screen = opened(screen.station)
      case .resumed: break
      case .ended: return print("")
      case .key(let key):
        print("")
        screen = follow(key, from: screen)
      case .line("") where screen.end < screen.count: screen = follow(.pageDown, from: screen)
      case .line(let line):
        switch tour.move(from: screen.station, line) {
        case .quit: return
        case .go(let next): screen = opened(next)
        case .help: print(TourStops.help.joined(separator: "\n"))
        case .notFound(let word): say("No station mentions \"\(word)\".")
        case .unknown(let word):
          let names = tour.stops.map { $0.names[0] }.joined(separator: " ")
          say("There is no \"\(word)\". Jump to one of: \(names)")
        }
      }
    }
  }

  /// Goes where a key leads, out of the station too.
  private func follow(_ key: TerminalInput.Key, from screen: Screen) -> Screen {
    if let moved = screen.moved(by: key) {
      show(moved)
      return moved
    }
    let last = tour.stops.count - 1
    switch key {
    case .right, .down, .pageDown: return opened(min(screen.station + 1, last))
    case .left: return opened(max(screen.station - 1, 0))
    case .home: return opened(0)
    case .end: return opened(last)
    case .up, .pageUp:
      // The one before, at its end.
      guard screen.station > 0 else { return opened(0) }
      var before = laidOut(screen.station - 1)
      before.first = max(before.count - before.room, 0)
      show(before)
      return before
    }
  }

  private func lines(_ station: Int) -> [String] {
    tour.stops[station].lines(TourText(report: report, terminal: .current))
  }

  /// The station at its head, for the window as it is now. The prompt takes a line.
  private func laidOut(_ station: Int) -> Screen {
    Screen(
      station: station, count: lines(station).count, room: max(Terminal.current.height - 1, 4))
  }

  private func opened(_ station: Int) -> Screen {
    let screen = laidOut(station)
    show(screen)
    return screen
  }

  private func show(_ screen: Screen) {
    print(lines(screen.station)[screen.first..<screen.end].joined(separator: "\n"))
  }

  private func prompt(_ terminal: Terminal, _ screen: Screen) {
    let isNarrow = terminal.width < 60
    let part =
      screen.count > screen.room
      ? "\(screen.first + 1)–\(screen.end) of \(screen.count)" + (isNarrow ? " " : " lines: ") : ""
    let keys = isNarrow ? "Enter, b, /, ?, q › " : "Enter, b, number, name, /word, ? or q › "
    print(terminal.styled(part + keys, .faint), terminator: "")
    fflush(nil)
  }

  private func say(_ text: String) {
    print(Terminal.current.wrapped(text).joined(separator: "\n"))
  }
}

/// The stations of a tour in order, and the way from one to another.
struct TourStops {
  /// A screen of the tour, and the words that lead there.
  struct Stop {
    var names: [String]
    /// What it shows; made anew each time, as the window may have another width by then.
    var lines: (TourText) -> [String]
  }

  let stops: [Stop]
  /// The text that searches look in.
  private let contents: [String]

  /// All stations: the introduction, the layers forwards, the loss, the layers backwards, the end.
  init(_ report: TourReport) {
    let layers = report.layers
    let backwards = layers.reversed().filter { $0.backward != nil }
    stops =
      [Stop(names: ["start"]) { $0.introduction() }]
      + layers.map { layer in
        Stop(names: [layer.name.lowercased(), String(layer.number)]) { $0.forward(layer) }
      }
      + [Stop(names: ["backwards"]) { $0.loss() }]
      + backwards.map { layer in
        Stop(names: ["-\(layer.name.lowercased())", "-\(layer.number)"]) { $0.backward(layer) }
      }
      + [Stop(names: ["end"]) { $0.summary() }]
    // Wide enough that nothing is broken in two.
    let plain = TourText(
      report: report, terminal: Terminal(width: 10_000, isStyled: false, isInteractive: false))
    contents = stops.map { $0.lines(plain).joined(separator: "\n").lowercased() }
  }

  /// What somebody at a station can ask for.
  enum Move: Equatable {
    case go(to: Int)
    case help
    case quit
    case unknown(String)
    case notFound(String)
  }

  /// The move that a line of input asks for at a station.
  func move(from current: Int, _ input: String) -> Move {
    let word = input.trimmingCharacters(in: .whitespaces).lowercased()
    if word.hasPrefix("/") { return search(String(word.dropFirst()), behind: current) }
    switch word {
    case "", "n", "next": return current + 1 < stops.count ? .go(to: current + 1) : .quit
    case "b", "back": return .go(to: max(current - 1, 0))
    case "r", "redraw": return .go(to: current)
    case "q", "quit", "exit": return .quit
    case "?", "h", "help": return .help
    default:
      if let index = stops.firstIndex(where: { $0.names.contains(word) }) { return .go(to: index) }
      return .unknown(word)
    }
  }

  /// The next station whose text contains a word, once around.
  private func search(_ text: String, behind current: Int) -> Move {
    let word = text.trimmingCharacters(in: .whitespaces)
    guard !word.isEmpty else { return .unknown("/") }
    let next = (1...stops.count).map { (current + $0) % stops.count }
      .first { contents[$0].contains(word) }
    return next.map { .go(to: $0) } ?? .notFound(word)
  }

  /// What can be typed, in lines that fit into 40 columns.
  static let help = [
    "Enter   on, by a screenful; also PgDn",
    "b       back to the one before",
    "→ ←     the next one, the one before",
    "PgUp ↑  back by a screenful; ↓ on",
    "Home    to the head of this one",
    "5       layer 5; -5 its backward pass",
    "conv2   the same by name, and -conv2",
    "start   the beginning",
    "backwards, end: where these begin",
    "/word   the next one that mentions it",
    "r       this one once more",
    "?       this help",
    "q       quit",
  ]
}
