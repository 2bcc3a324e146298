import Foundation
import Testing

/// A file of Docs, and the blocks in it that tests read.
///
/// Such a block is fenced, and the line above it is a comment, which a reader doesn't see:
///
///     <!-- example: relu -->
///     ```
///     in, 1×3
///       -1  0  2
///     ```
struct Document: Sendable, CustomTestStringConvertible {
  /// The file's name, for example `04-ReLU.md`.
  let name: String
  /// Its lines, without their ends.
  let lines: [String]

  var testDescription: String { name }

  /// A fenced block that a test reads.
  struct Block: Sendable {
    /// `example`, `arithmetic` or `code`.
    let kind: String
    /// What stands behind the colon: an example's name, the path of quoted code.
    let argument: String
    /// The number of its first line in the file, counted from 1.
    let firstLine: Int
    /// What stands between the fences.
    let lines: [String]
  }

  /// The package's root.
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Every Markdown file in Docs, in the order of the names.
  static let all: [Document] = {
    let folder = root.appending(path: "Docs")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".md") }.sorted().compactMap { name in
      let text = try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
      return text.map {
        Document(
          name: name,
          lines: $0.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
      }
    }
  }()

  /// The blocks with a comment of this kind above them.
  func blocks(_ kind: String) -> [Block] {
    var found: [Block] = []
    for (index, line) in lines.enumerated() {
      guard line.hasPrefix("<!-- \(kind)"), line.hasSuffix(" -->"), index + 1 < lines.count,
        lines[index + 1].hasPrefix("```"),
        let end = lines[(index + 2)...].firstIndex(where: { $0.hasPrefix("```") })
      else { continue }
      let argument = line.dropFirst("<!-- \(kind)".count).dropLast(" -->".count)
        .drop { $0 == ":" || $0 == " " }
      found.append(
        Block(
          kind: kind, argument: String(argument), firstLine: index + 3,
          lines: Array(lines[(index + 2)..<end])))
    }
    return found
  }

  /// The headings of second rank, in order.
  var sections: [String] {
    lines.filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
  }
}
