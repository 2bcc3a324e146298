import CaffeFormats
import Foundation
import Testing

/// Nothing is quoted without saying from where: a comment above a fenced block names it.
///
/// - `code: PATH`: the lines stand in that Swift file, which is compiled.
/// - `output: COMMAND`: the lines are printed by that command of `script/walkthrough`.
/// - `golden: PATH`: the lines stand in that file, which a test compares with what is printed.
/// - `tested: PATH`: that test reads the block itself.
/// - `manifest`: lines for the reader's own Package.swift.
/// - `drawing`: a sketch without numbers.
/// - `example`, `arithmetic` and `bytes` belong to the chapters: Tests/DocsTests recomputes them.
@Suite("Blocks in Markdown")
struct BlockTests {
  @Test("say where they come from", arguments: MarkdownFile.all)
  func origin(file: MarkdownFile) throws {
    for block in file.blocks {
      let place = "\(file.path):\(block.firstLine)"
      switch block.language {
      case "swift":
        #expect(["code", "manifest"].contains(block.kind), "\(place): Swift of unknown origin")
      case "", "text", "json":
        let kinds = ["output", "golden", "tested", "drawing", "example", "arithmetic", "bytes"]
        #expect(kinds.contains(block.kind), "\(place): a text of unknown origin")
      case "prototxt":
        #expect(throws: Never.self, "\(place)") {
          try NetPrototxt(parsing: block.lines.joined(separator: "\n"), file: place)
        }
      // Commands are CommandTests'; the lines of Python are of Caffe's example.
      case "sh", "math", "python": break
      default: Issue.record("\(place): say in BlockTests what \(block.language) is")
      }
    }
  }

  @Test("of code are compiled", arguments: MarkdownFile.all)
  func code(file: MarkdownFile) throws {
    for block in file.blocks where block.kind == "code" && block.language == "swift" {
      #expect(block.argument.hasSuffix(".swift"), "\(file.path):\(block.firstLine)")
      // The marks of formulas, which the tour reads, aren't quoted.
      let source = try PackageFolder.contents(block.argument)
        .split(separator: "\n", omittingEmptySubsequences: false)
        .filter { !["// ← ", "// → "].contains(where: trimmed($0).hasPrefix) }
        .map { line in line.range(of: "  // ← ").map { line[..<$0.lowerBound] } ?? line }.joined(
          separator: "\n")
      try expect(block, of: file, in: source, block.argument)
    }
  }

  @Test("of output are what is printed", arguments: MarkdownFile.all)
  func output(file: MarkdownFile) throws {
    for block in file.blocks {
      switch block.kind {
      case "output":
        let words = block.argument.split(separator: " ").map(String.init)
        #expect(words.first == "script/walkthrough", "\(file.path):\(block.firstLine)")
        let result = try runWalkthrough(Array(words.dropFirst()))
        try expect(block, of: file, in: result.output, block.argument)
      case "golden":
        try expect(block, of: file, in: PackageFolder.contents(block.argument), block.argument)
      case "tested":
        let test = try PackageFolder.contents(block.argument)
        let name = (file.path as NSString).lastPathComponent
        #expect(test.contains(name), "\(file.path):\(block.firstLine): not read by that test")
      default: break
      }
    }
  }

  /// The block's lines follow one another in a text; indentation is left aside, and a line that is
  /// `…` stands for any number of lines.
  private func expect(
    _ block: MarkdownFile.Block, of file: MarkdownFile, in text: String, _ origin: String
  ) throws {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(trimmed)
    var position: Int?
    for part in block.lines.map(trimmed).split(separator: "…") where !part.allSatisfy(\.isEmpty) {
      let start = position ?? 0
      let found = (start..<max(start, lines.count)).first { lines[$0...].starts(with: part) }
      guard let found else {
        Issue.record(
          "\(file.path):\(block.firstLine): not in \(origin): \(part.joined(separator: "\n"))")
        return
      }
      position = found + part.count
    }
    #expect(position != nil, "\(file.path):\(block.firstLine): nothing is quoted")
  }

  private func trimmed(_ line: some StringProtocol) -> String {
    line.trimmingCharacters(in: .whitespaces)
  }
}
