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

  @Test("its excerpt is from a golden file of the tour")
  func excerpt() throws {
    let readme = try text("README.md")
    let start = try #require(readme.range(of: "5/23  conv2  Convolution")).lowerBound
    let end = try #require(readme.range(of: "```", range: start..<readme.endIndex)).lowerBound
    let excerpt = readme[start..<end]
    #expect(excerpt.split(separator: "\n").count > 10)
    #expect(try text("Tests/Fixtures/tour/caffenet-conv2.txt").contains(excerpt))
  }
}
