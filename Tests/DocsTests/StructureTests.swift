import Foundation
import Testing

@Suite("The order of Docs")
struct StructureTests {
  /// The chapters: files that begin with a number.
  private static let chapters = Document.all.filter { $0.name.first?.isNumber == true }

  /// What a chapter on a layer goes through, in this order.
  private static let layerSections = [
    "What it is for", "The formula", "A worked example", "The backward pass, step by step",
    "The naive code", "Where it breaks or is slow", "The fast code", "Pitfalls", "Questions",
    "Sources",
  ]

  /// Chapters that tell of something else than a layer's two versions, and order it their own way.
  private static let others: Set<String> = [
    "00-2012.md", "11-Backpropagation.md", "12-GradientChecking.md", "15-Initialisation.md",
    "16-ReadingATrainingRun.md", "17-CaffesFormats.md", "18-BeyondBLAS.md",
    "19-ManyMachines.md",
  ]

  @Test("the numbers run from 0 without gaps, and the heading has the file's number")
  func numbers() throws {
    #expect(!Self.chapters.isEmpty)
    for (index, chapter) in Self.chapters.enumerated() {
      #expect(Int(chapter.name.prefix { $0 != "-" }) == index)
      #expect(chapter.lines.first?.hasPrefix("# \(index). ") == true, "\(chapter.name)")
      // From the second on, each leads on.
      let (before, next) = (index - 1, index + 1)
      let last = chapter.lines.suffix(4).joined(separator: " ")
      if before >= 0 {
        #expect(last.contains("](\(Self.chapters[before].name))"), "\(chapter.name)")
      }
      if next < Self.chapters.count {
        #expect(last.contains("](\(Self.chapters[next].name))"), "\(chapter.name)")
      }
    }
  }

  @Test("a chapter on a layer goes from purpose to sources", arguments: chapters)
  func sections(chapter: Document) {
    if Self.others.contains(chapter.name) {
      #expect(chapter.sections.suffix(2) == ["Questions", "Sources"], "\(chapter.name)")
      #expect(chapter.sections.first == "What it is for", "\(chapter.name)")
    } else {
      #expect(chapter.sections == Self.layerSections, "\(chapter.name)")
    }
    let answers = chapter.lines.count { $0 == "<details><summary>Answer</summary>" }
    #expect(answers >= 2, "\(chapter.name)")
    #expect(chapter.lines.count { $0 == "</details>" } == answers, "\(chapter.name)")
  }

  @Test("a chapter begins with its code, its tests, and where to see it", arguments: chapters)
  func links(chapter: Document) {
    let rows = chapter.lines.prefix { !$0.hasPrefix("## ") }.filter { $0.hasPrefix("| ") }
    #expect(rows.count { $0.contains("](../Sources/") } >= 2, "\(chapter.name)")
    #expect(rows.contains { $0.hasPrefix("| Tests | [") }, "\(chapter.name)")
    let places = ["| Tour |", "| Command |", "| Commands |"]
    #expect(rows.contains { row in places.contains { row.hasPrefix($0) } }, "\(chapter.name)")
  }

  @Test("the index lists every file, in order")
  func index() throws {
    let index = try #require(Document.all.first { $0.name == "README.md" })
    let text = index.lines.joined(separator: "\n")
    var position = text.startIndex
    for document in Self.chapters {
      let link = try #require(
        text.range(of: "](\(document.name))", range: position..<text.endIndex),
        "\(document.name) is not in the index, or not in its place")
      position = link.upperBound
    }
    for document in Document.all where document.name != "README.md" {
      #expect(text.contains("](\(document.name))"), "\(document.name) is not in the index")
    }
  }
}
