import Foundation

/// A Markdown file of the package, taken apart as far as the tests need.
struct MarkdownFile: Sendable, CustomStringConvertible {
  /// The path from the package's root.
  let path: String
  /// The lines outside of fenced blocks, with their numbers counted from 1.
  let prose: [(number: Int, text: String)]
  /// What stands between fences.
  let blocks: [Block]

  /// The path.
  var description: String { path }

  /// A fenced block. A comment in the line above, which readers don't see, may say what its text
  /// is: `<!-- code: Tests/ReadmeTests/Snippets.swift -->`.
  struct Block: Sendable {
    /// What stands behind the fence: `swift`, `sh` or nothing.
    let language: String
    /// The comment's first word: `code`, `output`, …; empty without one.
    let kind: String
    /// What stands behind the comment's colon.
    let argument: String
    /// The number of its first line.
    let firstLine: Int
    let lines: [String]
  }

  /// All of the package, hidden folders and fixtures aside.
  static let all: [MarkdownFile] = PackageFolder.paths(withSuffix: ".md").compactMap {
    guard let text = try? PackageFolder.contents($0) else { return nil }
    return MarkdownFile(path: $0, text: text)
  }

  init(path: String, text: String) {
    var prose: [(Int, String)] = []
    var blocks: [Block] = []
    var open: (language: String, comment: String, firstLine: Int, lines: [String])?
    var previous = ""
    for (offset, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let trimmed = line.trimmingCharacters(in: .whitespaces)
      if let block = open {
        if trimmed == "```" {
          let comment = block.comment.split(separator: ":", maxSplits: 1).map {
            $0.trimmingCharacters(in: .whitespaces)
          }
          blocks.append(
            Block(
              language: block.language, kind: comment.first ?? "",
              argument: comment.count > 1 ? comment[1] : "", firstLine: block.firstLine,
              lines: block.lines))
          open = nil
        } else {
          open?.lines.append(String(line))
        }
      } else if trimmed.hasPrefix("```") {
        let comment = previous.hasPrefix("<!--") && previous.hasSuffix("-->")
        open = (
          String(trimmed.dropFirst(3)),
          comment ? String(previous.dropFirst(4).dropLast(3)) : "", offset + 2, []
        )
      } else {
        prose.append((offset + 1, String(line)))
      }
      previous = trimmed
    }
    self.path = path
    self.prose = prose.map { (number: $0.0, text: $0.1) }
    self.blocks = blocks
  }

  /// The places that a link may name behind `#`, as GitHub makes them of headings.
  var anchors: Set<String> {
    var anchors: Set<String> = []
    for (_, line) in prose {
      for match in line.matches(of: /<a (?:id|name)="([^"]+)"/) {
        anchors.insert(String(match.output.1))
      }
      guard let match = line.wholeMatch(of: /#{1,6} +(.+?) *#*/) else { continue }
      let text = String(match.output.1).replacing(/\]\([^)]*\)/, with: "")
      let kept = text.lowercased().filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }
      let anchor = kept.replacing(" ", with: "-")
      var name = anchor
      var count = 0
      while anchors.contains(name) {
        count += 1
        name = "\(anchor)-\(count)"
      }
      anchors.insert(name)
    }
    return anchors
  }

  /// What stands in backquotes in the prose.
  var codeSpans: [(number: Int, text: String)] {
    prose.flatMap { number, line in
      line.matches(of: /`([^`]+)`/).map { (number: number, text: String($0.output.1)) }
    }
  }

  /// The targets of its links and pictures.
  var links: [(number: Int, target: String)] {
    prose.flatMap { number, line in
      let line = line.replacing(/`[^`]*`/, with: "code")
      let inline = line.matches(of: /\]\(\s*<?([^)\s>]+)>?[^)]*\)/).map { String($0.output.1) }
      let defined = line.firstMatch(of: /^\[[^\]]+\]:\s*(\S+)/).map { [String($0.output.1)] } ?? []
      let html = line.matches(of: /(?:href|src)="([^"]+)"/).map { String($0.output.1) }
      return (inline + defined + html).map { (number: number, target: $0) }
    }
  }
}
