import Foundation
import Networks
import Testing

@testable import walkthrough

@Suite("README.md tells the truth")
struct ReadmeTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
  }

  @Test("its code is the code that is compiled here", arguments: ["run", "check"])
  func snippets(name: String) throws {
    let source = try text("Tests/ReadmeTests/Snippets.swift")
    let start = try #require(source.range(of: "// snippet: \(name)\n")).upperBound
    let end = try #require(source.range(of: "// end\n", range: start..<source.endIndex)).lowerBound
    #expect(try text("README.md").contains(source[start..<end]))
  }

  @Test("and that code does what it says")
  func behaviour() throws {
    let losses = try runBothVersions()
    // Two right programs in Float: within some roundings of 6e-8.
    #expect(abs(losses.naive - losses.fast) <= 1e-5 * losses.naive)
    #expect(try checkCube(factor: 3).passed)
    #expect(try !checkCube(factor: 2).passed)
  }

  @Test("its table is what walkthrough shapes prints")
  func table() throws {
    let table = ShapesTable(try caffenet().summary()).text()
    #expect(try text("README.md").contains(table))
  }

  @Test("its excerpt is what the tour prints, but for the times", .enabled(if: isOptimized))
  func excerpt() throws {
    let readme = try text("README.md")
    let start = try #require(readme.range(of: "5/23  conv2  Convolution"))
    let end = try #require(readme.range(of: "```", range: start.upperBound..<readme.endIndex))
    let excerpt = readme[start.lowerBound..<end.lowerBound].split(separator: "\n")

    let definition = caffenet()
    let image = try TourImage(path: nil, seed: 1, definition: definition)
    let guide = TourGuide(
      definition: definition, image: image.tensor, label: image.label, imageName: image.name,
      seed: 1, progress: Progress(steps: 1))
    let report = try guide.run()
    let terminal = Terminal(width: 80, isStyled: false, isInteractive: false)
    let lines = TourText(report: report, terminal: terminal).forward(report.layers[4])

    var times = 0
    for line in excerpt where !lines.contains(String(line)) {
      // Times, and the greatest difference, which depends on the BLAS, differ from run to run.
      let isTime = line.hasPrefix("  time") || line.hasPrefix("              difference")
      #expect(isTime, "\(line)")
      times += 1
    }
    #expect(times <= 2 && excerpt.count > 10)
  }
}

/// The full-size tour takes seconds in a release build, minutes in a debug build.
private var isOptimized: Bool {
  var isDebug = false
  assert(
    {
      isDebug = true
      return true
    }())
  return !isDebug
}
