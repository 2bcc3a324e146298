import Foundation
import Networks
import Testing

@testable import walkthrough

@Suite("the terminal")
struct TerminalTests {
  @Test(
    "knows its colours from the environment",
    arguments: [
      (["COLORTERM": "truecolor", "TERM": "xterm-256color"], Terminal.Colours.full),
      (["COLORTERM": "24bit"], .full), (["TERM": "xterm-direct"], .full),
      (["TERM": "screen-256color"], .palette), (["TERM": "xterm"], .none), ([:], .none),
    ])
  func colours(environment: [String: String], expected: Terminal.Colours) {
    #expect(Terminal.colours(in: environment) == expected)
  }

  @Test("breaks words that are longer than a line")
  func longWords() {
    let terminal = Terminal(width: 12, isStyled: false, isInteractive: false)
    #expect(
      terminal.wrapped("a Sources/Fast/LRN.swift b", indent: 2) == [
        "  a", "  Sources/Fa", "  st/LRN.swi", "  ft b",
      ])
  }

  /// From black to white in two rows of five pixels.
  private let ramp = Raster(
    width: 5, height: 2, scale: .sequential, pixels: [0, 64, 128, 192, 255, 0, 64, 128, 192, 255],
    lower: 0, upper: 1)

  @Test("draws two rows of pixels to a line, in colour or in ASCII")
  func tiles() {
    #expect(Tile(ramp, colours: .none).lines == [" :=*@"])
    let full = Tile(ramp, colours: .full).lines
    #expect(full.count == 1 && visible(full[0]) == "▀▀▀▀▀")
    #expect(full[0].hasPrefix("\u{1B}[38;2;0;32;76m\u{1B}[48;2;0;32;76m▀"))
    #expect(full[0].hasSuffix("\u{1B}[0m"))
    #expect(Tile(ramp, colours: .palette).lines[0].hasPrefix("\u{1B}[38;5;17m"))
  }

  @Test("marks the frame of a window")
  func frame() {
    let frame = Tile.Frame(top: 0, left: 1, bottom: 1, right: 2)
    #expect(Tile(ramp, frame: frame, colours: .none).lines == ["[:=]@"])
    #expect(Tile(ramp, frame: frame, colours: .full).lines[0].contains("38;2;0;230;90"))
  }

  @Test("draws bars that are never empty for something")
  func bars() {
    #expect(Bars.sparkline([0, 1, 50, 100], colours: .full) == " ▁▄█")
    #expect(Bars.sparkline([0, 1, 50, 100], colours: .none) == " .=@")
    #expect(Bars.horizontal(1, room: 8, colours: .full) == "████████")
    #expect(Bars.horizontal(0.2, room: 8, colours: .full) == "█▋")
    #expect(Bars.horizontal(0, room: 8, colours: .none) == "#")
    #expect(Bars.horizontal(.nan, room: 8, colours: .full) == "▏")
  }

  @Test("finds the nearest of 256 colours")
  func palette() {
    #expect(Colour(red: 0, green: 0, blue: 0).paletteIndex == 232)
    #expect(Colour(red: 255, green: 255, blue: 255).paletteIndex == 255)
    #expect(Colour(red: 255, green: 0, blue: 0).paletteIndex == 196)
  }

  /// mini with all kinds of layers, once.
  private static let report = Result {
    let command = try Walkthrough.parseAsRoot(["tour", "--network", "mini"])
    return try #require(command as? Tour).report()
  }

  @Test("is never written beyond its width", arguments: [40, 59, 60, 80, 120, 200])
  func width(width: Int) throws {
    let report = try Self.report.get()
    for colours in [Terminal.Colours.none, .palette, .full] {
      let terminal = Terminal(
        width: width, isStyled: colours != .none, isInteractive: true, colours: colours)
      let text = TourText(report: report, terminal: terminal)
      for stop in TourStops(report).stops {
        for line in stop.lines(text) {
          #expect(visible(line).count <= width, "\(stop.names[0]): \(line)")
        }
      }
    }
    for line in TourStops.help { #expect(line.count <= width, "\(line)") }
  }

  @Test("shows a high station by the screenful, from its head, and leaves it at its ends")
  func paging() {
    var screen = TourWalk.Screen(station: 3, count: 67, room: 39)
    #expect(screen.first == 0 && screen.end == 39)
    #expect(screen.moved(by: .up) == nil && screen.moved(by: .home) == nil)
    #expect(screen.moved(by: .left) == nil && screen.moved(by: .right) == nil)
    #expect(screen.moved(by: .end)?.first == 28)
    screen = screen.moved(by: .pageDown) ?? screen
    #expect(screen.first == 39 && screen.end == 67)
    #expect(screen.moved(by: .down) == nil && screen.moved(by: .end) == nil)
    #expect(screen.moved(by: .pageUp)?.first == 0 && screen.moved(by: .home)?.first == 0)
    let short = TourWalk.Screen(station: 3, count: 20, room: 39)
    for key in TerminalInput.Key.allCases { #expect(short.moved(by: key) == nil) }
  }

  @Test("gets tables that fit: as they are, with broken columns of text, or as a list")
  func tables() {
    var table = TextTable(header: ["name", "bug", "result", "error"], textColumns: 3)
    table.rows = [
      [
        "conv-offset", "the offset of the group is left out in the input's gradient", "found",
        "0.5",
      ],
      ["relu", "none", "missed", "1,000"],
    ]
    let whole = table.lines(in: .max)
    #expect(whole.count == 4 && whole[2].contains("left out in the input's gradient  found"))
    let broken = table.lines(in: 60)
    #expect(broken.allSatisfy { $0.count <= 60 } && broken.count > 4)
    #expect(broken[2].hasPrefix("conv-offset  the offset"))
    #expect(broken.contains { $0.hasSuffix("1,000") })
    let list = table.lines(in: 30)
    #expect(list.allSatisfy { $0.count <= 30 })
    #expect(list.first == "conv-offset" && list.contains("relu"))
    #expect(list.suffix(2) == ["  bug none, result missed,", "  error 1,000"])
    // Of numbers alone, nothing can be broken.
    var numbers = TextTable(header: ["layer", "a", "b"], attached: [2])
    numbers.rows = [["conv1", "1,234,567", "±5%"]]
    #expect(numbers.lines(in: 12) == ["conv1", "  a", "  1,234,567", "  ±5%"])
  }

  @Test("gets no escape sequence where it can't take one")
  func plain() throws {
    let report = try Self.report.get()
    let text = TourText(
      report: report, terminal: Terminal(width: 80, isStyled: false, isInteractive: false))
    for stop in TourStops(report).stops {
      #expect(!stop.lines(text).joined().contains("\u{1B}"))
    }
  }

  /// The text without escape sequences.
  private func visible(_ line: String) -> String {
    var text = String.UnicodeScalarView()
    var isSequence = false
    for scalar in line.unicodeScalars {
      if scalar == "\u{1B}" { isSequence = true }
      if !isSequence { text.append(scalar) }
      if scalar == "m" { isSequence = false }
    }
    return String(text)
  }
}
