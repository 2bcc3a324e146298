import Foundation

/// The tour in a terminal, station by station, where somebody says how to go on.
struct TourWalk {
  let report: TourReport
  private let tour: TourStops

  init(_ report: TourReport) {
    self.report = report
    tour = TourStops(report)
  }

  /// Shows stations until somebody has seen enough.
  func run() {
    let input = TerminalInput()
    var current = 0
    draw(current)
    while true {
      let terminal = Terminal.current
      prompt(terminal)
      switch input.next(drawnFor: terminal.width) {
      case .resized:
        // What the terminal made of lines of another width is of no use.
        if terminal.isStyled { print("\u{1B}[H\u{1B}[2J", terminator: "") } else { print("") }
        draw(current)
      case .resumed: break
      case .ended: return print("")
      case .line(let line):
        switch tour.move(from: current, line) {
        case .quit: return
        case .go(let next):
          current = next
          draw(current)
        case .help: print(TourStops.help.joined(separator: "\n"))
        case .notFound(let word): say("No station mentions \"\(word)\".")
        case .unknown(let word):
          let names = tour.stops.map { $0.names[0] }.joined(separator: " ")
          say("There is no \"\(word)\". Jump to one of: \(names)")
        }
      }
    }
  }

  /// Draws a station for the window as it is now.
  private func draw(_ station: Int) {
    let lines = tour.stops[station].lines(TourText(report: report, terminal: .current))
    print(lines.joined(separator: "\n"))
  }

  private func prompt(_ terminal: Terminal) {
    let keys =
      terminal.width < 60 ? "Enter, b, /, ?, q › " : "Enter, b, number, name, /word, ? or q › "
    print(terminal.styled(keys, .faint), terminator: "")
    fflush(nil)
  }

  private func say(_ text: String) {
    print(Terminal.current.wrapped(text).joined(separator: "\n"))
  }
}
