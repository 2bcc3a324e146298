import Foundation

/// The stations of a tour in order, and the way from one to another.
struct TourStops {
  /// A screen of the tour, and the words that lead there.
  struct Stop {
    var names: [String]
    var lines: [String]
  }

  let stops: [Stop]

  /// All stations: the introduction, the layers forwards, the loss, the layers backwards, the end.
  init(_ text: TourText) {
    let layers = text.report.layers
    stops =
      [Stop(names: ["start"], lines: text.introduction())]
      + layers.map {
        Stop(names: [$0.name.lowercased(), String($0.number)], lines: text.forward($0))
      }
      + [Stop(names: ["backwards"], lines: text.loss())]
      + layers.reversed().filter { $0.backward != nil }.map {
        Stop(names: ["-\($0.name.lowercased())", "-\($0.number)"], lines: text.backward($0))
      }
      + [Stop(names: ["end"], lines: text.summary())]
  }

  /// What somebody at a station can ask for.
  enum Move: Equatable {
    case go(to: Int)
    case quit
    case unknown(String)
  }

  /// The move that a line of input asks for at a station.
  func move(from current: Int, _ input: String) -> Move {
    let word = input.trimmingCharacters(in: .whitespaces).lowercased()
    switch word {
    case "", "n", "next": return current + 1 < stops.count ? .go(to: current + 1) : .quit
    case "b", "back": return .go(to: max(current - 1, 0))
    case "q", "quit", "exit": return .quit
    default:
      if let index = stops.firstIndex(where: { $0.names.contains(word) }) { return .go(to: index) }
      return .unknown(word)
    }
  }
}
