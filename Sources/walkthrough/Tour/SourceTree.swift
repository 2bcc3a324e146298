import Foundation
import Layers

/// The package's own source, where it is at hand: the walkthrough is mostly run from a checkout.
struct SourceTree: Sendable {
  /// The package's folder; `nil` where it isn't at hand.
  let root: URL?

  /// The checkout that this program was built from, if it is still there.
  static let package: SourceTree = {
    var root = URL(filePath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    let exists = FileManager.default.fileExists(atPath: root.appending(path: "Package.swift").path)
    return SourceTree(root: exists ? root : nil)
  }()

  /// A file's lines, by its path from the root; `nil` where it isn't at hand.
  func lines(of file: String) -> [String]? {
    guard let root,
      let text = try? String(contentsOf: root.appending(path: file), encoding: .utf8)
    else { return nil }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// A version's file and those of its extensions, `Convolution.swift` and
  /// `Convolution+Backward.swift`.
  func files(of version: SourceLocation) -> [String] {
    let folder = (version.file as NSString).deletingLastPathComponent
    let stem = ((version.file as NSString).lastPathComponent as NSString).deletingPathExtension
    let names = root.flatMap {
      try? FileManager.default.contentsOfDirectory(atPath: $0.appending(path: folder).path)
    }
    let extensions = (names ?? []).filter { $0.hasPrefix(stem + "+") }.sorted()
    return [version.file] + extensions.map { folder + "/" + $0 }
  }

  /// The functions of a version; `nil` where its source isn't at hand.
  func code(of version: SourceLocation) -> Source.Code? {
    let files = files(of: version)
    let forward = files.flatMap { functions(named: ["forward", "measure"], in: $0) }
    return forward.isEmpty
      ? nil
      : .init(forward: forward, backward: files.flatMap { functions(named: ["backward"], in: $0) })
  }

  /// The first line of a version that contains a piece of code.
  func passage(with code: String, in version: SourceLocation) -> Passage? {
    for file in files(of: version) {
      if let index = lines(of: file)?.firstIndex(where: { $0.contains(code) }) {
        return Passage(file: file, first: index + 1, last: index + 1)
      }
    }
    return nil
  }

  /// The functions whose names begin so, from their first line to the brace that closes them, which
  /// the formatter puts below the beginning of the first.
  private func functions(named prefixes: [String], in file: String) -> [Passage] {
    let lines = lines(of: file) ?? []
    return lines.indices.compactMap { index in
      guard let keyword = lines[index].range(of: "func "),
        prefixes.contains(where: { lines[index][keyword.upperBound...].hasPrefix($0) })
      else { return nil }
      let closing = String(lines[index].prefix { $0 == " " }) + "}"
      let end = lines[index...].firstIndex(of: closing) ?? index
      return Passage(file: file, first: index + 1, last: end + 1)
    }
  }
}
