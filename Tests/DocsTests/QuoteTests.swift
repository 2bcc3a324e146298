import Foundation
import Testing

@Suite("The code that Docs quotes")
struct QuoteTests {
  /// A block under `<!-- code: path -->` stands in that file as it stands here, line by line, but
  /// for the indentation that the quote has in common.
  @Test("is the code", arguments: Document.all)
  func quotes(document: Document) throws {
    for block in document.blocks("code") {
      let path = Document.root.appending(path: block.argument)
      let source = try String(contentsOf: path, encoding: .utf8)
        .split(separator: "\n", omittingEmptySubsequences: false)
        .filter { !$0.contains(#/^ *// [←→] /#) }.map(trimmed)
      let quote = block.lines.map(trimmed)
      let isThere = source.indices.contains { start in
        source[start...].starts(with: quote)
      }
      #expect(
        isThere, "\(document.name):\(block.firstLine) is not in \(block.argument) any more")
      #expect(quote.contains { !$0.isEmpty }, "\(document.name):\(block.firstLine) quotes nothing")
    }
  }

  private func trimmed(_ line: some StringProtocol) -> String {
    // The marks of formulas, which the tour reads, aren't quoted.
    let code = line.range(of: "  // ← ").map { line[..<$0.lowerBound] } ?? line[...]
    return code.trimmingCharacters(in: .whitespaces)
  }
}
