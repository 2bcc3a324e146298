import Foundation
import Layers

/// A place in the package's source.
struct SourceLocation: Equatable, CustomStringConvertible {
  /// The path from the package's root, for example `Sources/Reference/LRN.swift`.
  let file: String
  /// The line, counted from 1.
  let line: Int

  /// `file:line`.
  var description: String { "\(file):\(line)" }
}

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

  /// Where a layer's type is declared; `nil` for a type of another package.
  ///
  /// - Parameter type: with its module, for example `Fast.Convolution`. As a rule the file has its name.
  func place(of type: String) -> SourceLocation? {
    let names = type.split(separator: ".").map(String.init)
    guard names.count > 1 else { return nil }
    let folder = "Sources/" + names[0]
    let usual = "\(folder)/\(names[names.count - 1]).swift"
    guard let root else {
      return ["Reference", "Fast", "Tuned"].contains(names[0])
        ? SourceLocation(file: usual, line: 1) : nil
    }
    let others = try? FileManager.default.subpathsOfDirectory(
      atPath: root.appending(path: folder).path)
    for file in [usual] + (others ?? []).sorted().map({ "\(folder)/\($0)" }) {
      let line = lines(of: file)?.firstIndex { line in
        ["<", ":"].contains { line.contains("struct \(names[names.count - 1])\($0)") }
      }
      if let line { return SourceLocation(file: file, line: line + 1) }
    }
    return nil
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

  /// The functions of a version that compute: those in which a mark stands, whole. Of a version without
  /// marks, those of the contract. `nil` where the source isn't at hand.
  ///
  /// A mark is a comment that names the pieces of a formula that a line computes, behind the line or on a
  /// line before it: `// ← Σ_c, w` of the forward formula, `// ← ∂w Σ_y; ∂in w` of gradients.
  /// `// → Im2col.swift` leads to a file beside this one that computes a part, `// → Softmax.swift forward`
  /// to its functions whose names begin so.
  func code(of version: SourceLocation) -> Source.Code? {
    var files = files(of: version).map { (path: $0, prefix: "") }
    var code = Source.Code(forward: [], backward: [], marks: [])
    var index = 0
    while index < files.count {
      let (path, prefix) = files[index]
      let lines = lines(of: path) ?? []
      let found = marks(in: lines, of: path)
      for file in found.files where !files.contains(where: { $0.path == file.path }) {
        files.append(file)
      }
      for passage in functions(in: lines, of: path, named: prefix) {
        let inside = found.marks.filter {
          passage.first <= $0.passage.first && $0.passage.last <= passage.last
        }
        guard !inside.isEmpty else { continue }
        code.marks += inside
        if inside.contains(where: { $0.formula.isEmpty }) {
          code.forward.append(passage)
        } else {
          code.backward.append(passage)
        }
      }
      index += 1
    }
    guard code.marks.isEmpty else { return code }
    for (path, _) in files {
      let lines = lines(of: path) ?? []
      code.forward += functions(in: lines, of: path, named: "forward")
      code.backward += functions(in: lines, of: path, named: "backward")
    }
    return code.forward.isEmpty ? nil : code
  }

  /// The marks of a file, and the files that it leads to.
  private func marks(
    in lines: [String], of file: String
  ) -> (marks: [Source.Code.Mark], files: [(path: String, prefix: String)]) {
    var (marks, files): ([Source.Code.Mark], [(path: String, prefix: String)]) = ([], [])
    let folder = (file as NSString).deletingLastPathComponent
    for (index, line) in lines.enumerated() {
      if let range = line.range(of: "// → ") {
        let words = line[range.upperBound...].split(separator: " ").map(String.init)
        files.append((folder + "/" + (words.first ?? ""), words.dropFirst().first ?? ""))
      }
      guard let range = line.range(of: "// ← ") else { continue }
      // A mark on a line of its own is that of the next.
      let isAlone = line[..<range.lowerBound].allSatisfy { $0 == " " }
      let number = index + (isAlone ? 2 : 1)
      let passage = Passage(file: file, first: number, last: number)
      for part in line[range.upperBound...].split(separator: "; ") {
        let formula = ["∂w", "∂b", "∂in"].first { part.hasPrefix($0 + " ") }
        let pieces = part.dropFirst(formula.map { $0.count + 1 } ?? 0)
        marks += pieces.split(separator: ", ").map {
          .init(
            formula: formula ?? "", piece: $0.trimmingCharacters(in: .whitespaces),
            passage: passage)
        }
      }
    }
    return (marks, files)
  }

  /// The functions of a file, from their first line to the brace that closes them, which the formatter
  /// puts below the beginning of the first.
  private func functions(
    in lines: [String], of file: String, named prefix: String = ""
  ) -> [Passage] {
    lines.indices.compactMap { index in
      guard let keyword = lines[index].range(of: "func "), !lines[index].contains("//"),
        lines[index][keyword.upperBound...].hasPrefix(prefix)
      else { return nil }
      // One of a single line.
      guard !lines[index].hasSuffix("}") else {
        return Passage(file: file, first: index + 1, last: index + 1)
      }
      let closing = String(lines[index].prefix { $0 == " " }) + "}"
      let end = lines[index...].firstIndex(of: closing) ?? index
      return Passage(file: file, first: index + 1, last: end + 1)
    }
  }
}

extension Source {
  /// The places of a layer's types in Reference, Fast and Tuned, and their functions where the source is
  /// at hand.
  init(_ types: [String], isDeterministic: Bool) {
    let places = types.map(SourceTree.package.place)
    func name(_ place: SourceLocation?) -> String {
      (isDeterministic ? place?.file : place?.description) ?? ""
    }
    let (reference, fast) = (places.first ?? nil, places.dropFirst().first ?? nil)
    self.init(reference: name(reference), fast: name(fast))
    guard !isDeterministic else { return }
    referenceCode = reference.flatMap(SourceTree.package.code)
    fastCode = fast.flatMap(SourceTree.package.code)
    let tuned = places.dropFirst(2).first ?? nil
    tunedCode = tuned == fast ? nil : tuned.flatMap(SourceTree.package.code)
  }
}

extension Formula {
  /// What the marks in the sources call a gradient's formula: `∂w` for `∂L/∂w[k,c,i,j] = …`.
  static func markName(of formula: String) -> String {
    let name = formula.prefix { $0 != "[" && $0 != " " }.replacing("L/∂", with: "")
    return name == "∂x" ? "∂in" : String(name)
  }

  /// The pieces with the lines that compute them.
  ///
  /// - Parameter name: of the formula in the marks: `∂w`, `∂b`, `∂in`, or "" forwards.
  func parts(_ name: String = "", in source: Source) -> [FormulaPart] {
    func line(_ key: String?, _ code: Source.Code?) -> Passage? {
      guard let key else { return nil }
      return code?.marks.first { $0.formula == name && $0.piece == key }?.passage
    }
    return pieces.map { piece in
      FormulaPart(
        text: piece.text, meaning: piece.key.flatMap { meanings[$0] },
        reference: line(piece.key, source.referenceCode), fast: line(piece.key, source.fastCode))
    }
  }
}
