import Foundation

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
    "Enter   on; behind the last one, out",
    "b       back",
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
