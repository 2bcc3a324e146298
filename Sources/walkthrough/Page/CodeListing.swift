/// Reference and Fast of a layer side by side, and the formula whose pieces lead to their lines.
struct CodeListing {
  /// A file and the lines of it that are shown.
  private struct File {
    var path: String
    /// What the ids of its lines begin with.
    var id: String
    var lines: [String]
    var numbers: [Int]
  }

  private let layer: LayerReport
  private let reference, fast: [File]

  /// The listings of a layer.
  ///
  /// - Parameter tree: where the text of the files is.
  init(_ layer: LayerReport, tree: SourceTree = .package) {
    self.layer = layer
    reference = Self.files(
      layer.source.referenceCode, layer.formulaParts.compactMap(\.reference),
      "\(layer.anchor)-reference", tree)
    fast = Self.files(
      layer.source.fastCode, layer.formulaParts.compactMap(\.fast), "\(layer.anchor)-fast", tree)
  }

  /// The passes of a version and what the pieces of the formula lead to, file by file.
  private static func files(
    _ code: Source.Code?, _ others: [Passage], _ id: String, _ tree: SourceTree
  ) -> [File] {
    guard let code else { return [] }
    var files: [File] = []
    for passage in code.forward + code.backward + others {
      let known = files.firstIndex { $0.path == passage.file }
      if known == nil {
        guard let lines = tree.lines(of: passage.file) else { continue }
        files.append(
          File(path: passage.file, id: "\(id)-\(files.count)", lines: lines, numbers: []))
      }
      let index = known ?? files.count - 1
      // A file may have changed since the report was made.
      let last = min(passage.last, files[index].lines.count)
      if passage.first >= 1 && passage.first <= last {
        files[index].numbers += passage.first...last
      }
    }
    return files.map { file in
      var file = file
      file.numbers = Set(file.numbers).sorted()
      return file
    }
  }

  /// The formula; each piece that some place computes is a link to its lines.
  func formula() -> HTML {
    element("p", ["class": "formula"]) {
      element("code") {
        if layer.formulaParts.isEmpty {
          layer.formula
        } else {
          for part in layer.formulaParts { link(part) }
        }
      }
    }
  }

  private func link(_ part: FormulaPart) -> HTML {
    guard let target = lines(part.reference, in: reference) else {
      return element("span", ["title": part.meaning]) { part.text }
    }
    return element(
      "a",
      [
        "href": "#\(target.id)-\(target.first)", "title": part.meaning,
        "data-reference": "\(target.id) \(target.first) \(target.last)",
        "data-fast": lines(part.fast, in: fast).map { "\($0.id) \($0.first) \($0.last)" },
      ]
    ) { part.text }
  }

  /// Where a passage is shown.
  private func lines(
    _ passage: Passage?, in files: [File]
  ) -> (id: String, first: Int, last: Int)? {
    guard let passage, let file = files.first(where: { $0.path == passage.file }),
      file.numbers.contains(passage.first), file.numbers.contains(passage.last)
    else { return nil }
    return (file.id, passage.first, passage.last)
  }

  /// The passes of Reference and Fast, or where they are to be found.
  func listings() -> HTML {
    guard !reference.isEmpty, !fast.isEmpty else {
      return element("p", ["class": "note"]) {
        "The code is in "
        element("code") { layer.source.reference }
        " and "
        element("code") { layer.source.fast }
        ". It is shown here when the page is made where the package's source is."
      }
    }
    return element("div", ["class": "listings"]) {
      listing("Reference: the loops of the formula", reference, layer.formulaParts.map(\.reference))
      listing("Fast: the same, for the processor", fast, layer.formulaParts.map(\.fast))
    }
  }

  private func listing(_ title: String, _ files: [File], _ passages: [Passage?]) -> HTML {
    element("div", ["class": "version"]) {
      element("p", ["class": "version-name"]) { title }
      for file in files {
        element("figure", ["class": "listing"]) {
          element("figcaption") { element("code") { file.path } }
          // Scrolls by itself, so it has to be reachable by keyboard.
          element(
            "div",
            [
              "class": "lines", "tabindex": "0", "role": "group",
              "aria-label": "\(layer.name), \(file.path)",
            ]
          ) {
            element("pre") {
              element("code") {
                let neighbours = zip([file.numbers.first ?? 0] + file.numbers, file.numbers)
                for (previous, number) in neighbours {
                  if number > previous + 1 { element("span", ["class": "gap"]) { "⋮\n" } }
                  line(file, number, passages)
                }
              }
            }
          }
        }
      }
    }
  }

  private func line(_ file: File, _ number: Int, _ passages: [Passage?]) -> HTML {
    let part = zip(layer.formulaParts, passages).first { _, passage in
      passage.map { $0.file == file.path && $0.first <= number && number <= $0.last } ?? false
    }?.0
    return element(
      "span",
      [
        "class": part == nil ? "line" : "line used", "id": "\(file.id)-\(number)",
        "title": part.map { $0.meaning ?? $0.text },
      ]
    ) {
      element("span", ["class": "line-number", "aria-hidden": "true"]) { String(number) }
      SwiftHighlighter.html(file.lines[number - 1])
      "\n"
    }
  }
}
