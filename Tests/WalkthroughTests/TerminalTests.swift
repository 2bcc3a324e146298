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
