import Foundation
import Testing

@testable import walkthrough

/// The faces of the tour, pinned by the files in `Tests/Fixtures/tour`.
///
/// After a change that is meant, `script/golden` writes them anew; look at the difference before
/// you commit it.
@Suite("the tour's golden files")
struct GoldenTests {
  /// A file, and what it has to contain.
  struct Face: CustomTestStringConvertible, Sendable {
    var file: String
    var text: @Sendable (TourReport) throws -> String

    var testDescription: String { file }
  }

  static let faces = [
    Face(file: "mini.txt") { report in
      let text = TourText(report: report, terminal: plain(80))
      return TourStops(report).stops.flatMap { $0.lines(text) }.joined(separator: "\n")
    },
    Face(file: "mini.json") { try $0.json() },
    Face(file: "mini-conv2-40-columns.txt") { conv2(of: $0, plain(40)) },
    Face(file: "mini-conv2-256-colours.ansi") { conv2(of: $0, coloured(.palette)) },
    Face(file: "mini-conv2-24-bit.ansi") { conv2(of: $0, coloured(.full)) },
  ]

  /// The README shows a part of this one.
  static let caffenetFace = Face(file: "caffenet-conv2.txt") { conv2(of: $0, plain(80)) }

  private static func plain(_ width: Int) -> Terminal {
    Terminal(width: width, isStyled: false, isInteractive: false)
  }

  private static func coloured(_ colours: Terminal.Colours) -> Terminal {
    Terminal(width: 80, isStyled: true, isInteractive: true, colours: colours)
  }

  private static func conv2(of report: TourReport, _ terminal: Terminal) -> String {
    let text = TourText(report: report, terminal: terminal)
    return (text.forward(report.layers[4]) + text.backward(report.layers[4])).joined(
      separator: "\n")
  }

  private static let mini = Result { try report("--network", "mini", "--untrained") }
  private static func report(_ arguments: String...) throws -> TourReport {
    let command = try Walkthrough.parseAsRoot(["tour", "--deterministic"] + arguments)
    return try #require(command as? Tour).report()
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/tour")

  @Test("are what the tour shows", arguments: faces)
  func golden(face: Face) throws {
    try compare(face, Self.mini.get())
  }

  @Test(
    "are what the tour shows of the full-size network",
    .enabled(if: !BuildMode.isDebug, "it takes minutes without the optimizer"))
  func goldenCaffeNet() throws {
    try compare(Self.caffenetFace, Self.report("--layer", "conv2"))
  }

  private func compare(_ face: Face, _ report: TourReport) throws {
    let text = try face.text(report) + "\n"
    let url = Self.folder.appending(path: face.file)
    if ProcessInfo.processInfo.environment["WRITE_GOLDEN_FILES"] != nil {
      try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
      try text.write(to: url, atomically: true, encoding: .utf8)
      return
    }
    let expected = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
    let actual = text.split(separator: "\n")
    #expect(actual.count == expected.count, "\(face.file)")
    let difference = zip(actual, expected).enumerated().first { $1.0 != $1.1 }
    if let (line, (got, wanted)) = difference {
      Issue.record("\(face.file), line \(line + 1) without blank ones: \(got) for \(wanted)")
    }
  }

  /// Whatever the report holds is four digits long: so a number that somebody adds and forgets to
  /// round shows.
  @Test("hold no more digits than are the same on every machine")
  func digits() throws {
    let text = try Self.mini.get().json()
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
    var numbers = 0
    func visit(_ value: Any, _ path: String) {
      switch value {
      case let object as [String: Any]:
        for (key, value) in object { visit(value, path + "." + key) }
      case let array as [Any]: for value in array { visit(value, path) }
      case let number as NSNumber:
        let value = number.doubleValue
        guard value != value.rounded() else { return }
        numbers += 1
        #expect(Determinism.rounded(value) == value, "\(path)")
      default: break
      }
    }
    visit(object, "report")
    #expect(numbers > 1000)
    #expect(!text.contains("Seconds"))
  }
}
