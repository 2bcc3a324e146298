/// The versions of a layer side by side, and the formulas whose pieces lead to their lines.
struct CodeListing {
  /// A version and the lines of its files that are shown.
  private struct Listing {
    var version: Version
    var code: Source.Code
    var files: [File]
  }

  private struct File {
    var path: String
    /// What the ids of its lines begin with.
    var id: String
    var lines: [String]
    var forward, backward: [Passage]
  }

  private let layer: LayerReport
  private let listings: [Listing]
  private let marks: [String: Source.Code.Mark]

  /// The listings of a layer.
  ///
  /// - Parameters:
  ///   - anchor: of the section in which they stand, which is that of another layer where the code is the
  ///     same.
  ///   - tree: where the text of the files is.
  init(_ layer: LayerReport, anchor: String? = nil, tree: SourceTree = .package) {
    self.layer = layer
    let source = layer.source
    let codes: [(Version, Source.Code?)] = [
      (.reference, source.referenceCode), (.fast, source.fastCode), (.tuned, source.tunedCode),
    ]
    listings = codes.compactMap { version, code in
      code.map { code in
        Listing(
          version: version, code: code,
          files: Self.files(code, "\(anchor ?? layer.anchor)-\(version.rawValue)", tree))
      }
    }
    let all = listings.flatMap(\.code.marks)
    marks = Dictionary(all.map { ("\($0.passage.file):\($0.passage.first)", $0) }) { first, _ in
      first
    }
  }

  /// The functions of a version, file by file.
  private static func files(_ code: Source.Code, _ id: String, _ tree: SourceTree) -> [File] {
    var files: [File] = []
    for (passage, isForward) in code.forward.map({ ($0, true) })
      + code.backward.map({ ($0, false) })
    {
      var index = files.firstIndex { $0.path == passage.file }
      if index == nil {
        guard let lines = tree.lines(of: passage.file) else { continue }
        files.append(
          File(
            path: passage.file, id: "\(id)-\(files.count)", lines: lines, forward: [], backward: [])
        )
        index = files.count - 1
      }
      // A file may have changed since the report was made.
      guard let index, passage.first >= 1, passage.last <= files[index].lines.count else {
        continue
      }
      if isForward {
        files[index].forward.append(passage)
      } else {
        files[index].backward.append(passage)
      }
    }
    return files
  }

  // MARK: - Formulas

  /// A formula, and below it what its pieces mean: each that some line computes is a link to it.
  ///
  /// - Parameter name: of the formula in the marks.
  func formula(_ text: String, _ parts: [FormulaPart], named name: String = "") -> HTML {
    let pieces = parts.filter { $0.meaning != nil }
    var shown: Set<String> = []
    return HTML([
      Formula(text).mathML(),
      pieces.isEmpty
        ? HTML([])
        : element("dl", ["class": "pieces"]) {
          for part in pieces where shown.insert(part.text + (part.meaning ?? "")).inserted {
            element("div") {
              element("dt") { link(part, name) }
              element("dd") { part.meaning ?? "" }
            }
          }
        },
    ])
  }

  private func link(_ part: FormulaPart, _ name: String) -> HTML {
    let key = Formula.key(of: part.text)
    let targets = listings.compactMap { lines($0, name, key) }
    let text = element("code") { part.text }
    guard let first = targets.first?.first else { return text }
    return element(
      "a",
      [
        "href": "#\(first)",
        "data-lines": targets.map { $0.joined(separator: " ") }.joined(separator: " "),
      ]
    ) { text }
  }

  /// The ids of the lines of a version that compute a piece of a formula.
  private func lines(_ listing: Listing, _ name: String, _ key: String?) -> [String]? {
    let ids = listing.code.marks.filter { $0.formula == name && $0.piece == key }
      .compactMap { mark in
        listing.files.first { $0.path == mark.passage.file }.map {
          "\($0.id)-\(mark.passage.first)"
        }
      }
    return ids.isEmpty ? nil : ids
  }

  // MARK: - Listings

  /// The functions of the versions; with the script any two of them stand side by side.
  func html() -> HTML {
    guard !listings.isEmpty else {
      return element("p", ["class": "note"]) {
        "The code is in "
        element("code") { layer.source.reference }
        " and "
        element("code") { layer.source.fast }
        ". It is shown here when the page is made where the package's source is."
      }
    }
    return element("div", ["class": "listings", "data-versions": ""]) {
      for listing in listings {
        element("div", ["class": "version", "data-version": listing.version.rawValue]) {
          element("p", ["class": "version-name"]) { title(listing.version) }
          for file in listing.files { figure(file) }
        }
      }
    }
  }

  private func title(_ version: Version) -> String {
    switch version {
    case .reference: "Reference: the loops of the formula"
    case .fast: "Fast: the textbook's way, on BLAS"
    case .tuned: "Tuned: for this processor"
    }
  }

  private func figure(_ file: File) -> HTML {
    element("figure", ["class": "listing"]) {
      element("figcaption") { element("code") { file.path } }
      for (title, passages) in [("Forwards", file.forward), ("Backwards", file.backward)]
      where !passages.isEmpty {
        element("p", ["class": "direction"]) { title }
        for passage in passages {
          element("pre", ["class": "lines"]) {
            element("code") {
              // Indented as far as its first line, which is as far as all are.
              let margin = file.lines[passage.first - 1].prefix { $0 == " " }.count
              for number in passage.first...passage.last { line(file, number, margin) }
            }
          }
        }
      }
    }
  }

  private func line(_ file: File, _ number: Int, _ margin: Int) -> HTML {
    let mark = marks["\(file.path):\(number)"]
    let text = file.lines[number - 1]
    let indentation = text.prefix { $0 == " " }.count
    return element(
      "span",
      [
        "class": mark == nil ? "line" : "line used", "id": "\(file.id)-\(number)",
        "title": mark.map { "computes \($0.piece)" },
      ]
    ) {
      element("span", ["class": "line-number", "aria-hidden": "true"]) { String(number) }
      SwiftHighlighter.html(String(text.dropFirst(min(margin, indentation))))
      "\n"
    }
  }
}
