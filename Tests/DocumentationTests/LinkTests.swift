import Foundation
import Testing

@Suite("Links and paths in Markdown and in comments")
struct LinkTests {
  @Test("lead to files that exist, and to headings in them", arguments: MarkdownFile.all)
  func links(file: MarkdownFile) throws {
    for (number, target) in file.links {
      let place = "\(file.path):\(number): \(target)"
      if target.contains(/^[a-z]+:/) {
        // Not fetched: tests need no network. Symbols and articles of the reference pages (doc:) are
        // looked up by script/docs.
        let isKnown = ["http:", "https:", "doc:", "mailto:"].contains { target.hasPrefix($0) }
        #expect(isKnown && URL(string: target) != nil, "\(place) is no address")
        continue
      }
      let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
      let folder = (file.path as NSString).deletingLastPathComponent
      let decoded = parts[0].removingPercentEncoding ?? String(parts[0])
      let path =
        decoded.isEmpty ? file.path : normalized(folder.isEmpty ? decoded : folder + "/" + decoded)
      guard let path, PackageFolder.contains(path) else {
        Issue.record("\(place) leads nowhere")
        continue
      }
      guard parts.count > 1 else { continue }
      if let line = parts[1].wholeMatch(of: /L([0-9]+)/).flatMap({ Int($0.output.1) }) {
        #expect(line <= (try lineCount(path)), "\(place) has no such line")
      } else {
        let anchors = MarkdownFile.all.first { $0.path == path }?.anchors ?? []
        #expect(anchors.contains(String(parts[1])), "\(place): \(path) has no such heading")
      }
    }
  }

  @Test("in backquotes are those of files that exist", arguments: MarkdownFile.all)
  func paths(file: MarkdownFile) throws {
    for (number, text) in file.codeSpans {
      let folder = (file.path as NSString).deletingLastPathComponent
      if folder.isEmpty || !PackageFolder.contains(folder + "/" + text) {
        try expectPath(text, "\(file.path):\(number)")
      }
    }
  }

  @Test("in comments of the sources too")
  func comments() throws {
    var count = 0
    for path in PackageFolder.paths(withSuffix: ".swift") {
      for (offset, line) in try PackageFolder.contents(path).split(
        separator: "\n", omittingEmptySubsequences: false
      ).enumerated() {
        guard let comment = line.firstMatch(of: /\/\/.*/)?.output else { continue }
        for match in comment.matches(of: /`([^`]+)`/) {
          try expectPath(String(match.output.1), "\(path):\(offset + 1)")
          count += 1
        }
      }
    }
    // Else the comments weren't found.
    #expect(count > 100)
  }

  /// A text that looks like a path of the package has to be one.
  private func expectPath(_ text: String, _ place: String) throws {
    let pattern = /((?:Sources|Tests|Docs|script|Benchmarks|Exercises)\/[\w.\/+\-]*)(?::([0-9]+))?/
    guard let match = text.wholeMatch(of: pattern) else { return }
    let path = String(match.output.1)
    guard PackageFolder.contains(path) else {
      Issue.record("\(place): \(path) doesn't exist")
      return
    }
    if let line = match.output.2.flatMap({ Int($0) }) {
      #expect(line <= (try lineCount(path)), "\(place): \(path) has no line \(line)")
    }
  }

  private func lineCount(_ path: String) throws -> Int {
    try PackageFolder.contents(path).count { $0 == "\n" }
  }

  /// A path without `..`; `nil` when it leaves the package.
  private func normalized(_ path: String) -> String? {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part != ".." {
        parts.append(part)
      } else if parts.popLast() == nil {
        return nil
      }
    }
    return parts.joined(separator: "/")
  }
}
