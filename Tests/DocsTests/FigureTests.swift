import Foundation
import Testing

@Suite("The figures of Docs")
struct FigureTests {
  private static let folder = Document.root.appending(path: "Docs/Figures")

  /// Compares each file with what is drawn now. With UPDATE_FIGURES=1 in the environment, it writes the
  /// files anew.
  @Test(arguments: Figures.all.map(\.name))
  func figure(_ name: String) throws {
    let figure = try #require(Figures.all.first { $0.name == name })
    let drawn = try figure.draw().document()
    let file = Self.folder.appending(path: name + ".svg")
    if ProcessInfo.processInfo.environment["UPDATE_FIGURES"] == "1" {
      try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
      try Data(drawn.utf8).write(to: file)
    }
    let written = try String(contentsOf: file, encoding: .utf8)
    #expect(written == drawn, "Docs/Figures/\(name).svg: UPDATE_FIGURES=1 draws it anew")
  }

  @Test("Every file is a figure, and a chapter shows it")
  func shown() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
    #expect(files == Figures.all.map { $0.name + ".svg" }.sorted())
    for file in files {
      #expect(
        Document.all.contains { $0.lines.contains { $0.contains("](Figures/\(file))") } }, "\(file)"
      )
    }
  }
}
