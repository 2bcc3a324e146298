import Datasets
import Foundation
import Testing

@testable import walkthrough

/// The page of mini's tour in deterministic mode, made once for all tests.
enum TourPageFixture {
  static let report = Result {
    try Tour.parse(["--network", "mini", "--untrained", "--deterministic"]).report()
  }

  static let page = Result { try TourPage(report: report.get()).document() }
}

@Suite("walkthrough tour --html")
struct TourPageTests {
  @Test("asks for nothing from outside, and stays small")
  func selfContained() throws {
    let page = try TourPageFixture.page.get()
    let references = page.matches(of: /(?:src|href)="([^"]*)"/).map(\.1)
    #expect(references.count > 50)
    #expect(references.allSatisfy { $0.hasPrefix("#") || $0.hasPrefix("data:") })
    #expect(!page.contains("@import") && !page.contains("url("))
    #expect(page.utf8.count < 5 << 20)
  }

  @Test("has a section for each layer, the totals, the loss and the pieces to try")
  func sections() throws {
    let page = try TourPageFixture.page.get()
    for layer in try TourPageFixture.report.get().layers {
      #expect(page.contains("<section id=\"layer-\(layer.name)\""))
    }
    for id in ["image", "layers", "loss", "totals", "laboratory", "shapes", "order", "curves"] {
      #expect(page.contains("<section id=\"\(id)\""), "\(id)")
    }
  }

  @Test("opens and closes its elements in order")
  func wellFormed() throws {
    let page = try TourPageFixture.page.get()
    let body = page.replacing(/<(style|script)[^>]*>[\s\S]*?<\/(style|script)>/, with: "")
    var open: [Substring] = []
    let void: Set<Substring> = ["br", "hr", "img", "input", "link", "meta"]
    for match in body.matches(of: /<(\/?)([a-z][a-z0-9]*)[^>]*>/) where !void.contains(match.2) {
      if match.1.isEmpty {
        open.append(match.2)
      } else {
        #expect(open.popLast() == match.2)
      }
    }
    #expect(open.isEmpty)
  }

  @Test("escapes what comes from outside")
  func escaping() throws {
    var report = try TourPageFixture.report.get()
    report.image.name = "<script>alert(1)</script> & \"more\".png"
    report.layers[0].name = "conv<1>"
    let page = try TourPage(report: report).document()
    #expect(!page.contains("<script>alert"))
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;.png"))
    #expect(!page.contains("conv<1>"))
  }

  /// Everything but style sheet, script, their hashes, and pixels, which stand for themselves elsewhere: of a
  /// picture the size and a hash of its pixels stay, as compressors differ.
  @Test("is in deterministic mode the page of the golden file")
  func golden() throws {
    let page = normalised(try TourPageFixture.page.get())
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/tour/mini.html")
    if ProcessInfo.processInfo.environment["WRITE_GOLDEN_FILES"] != nil {
      try page.write(to: file, atomically: true, encoding: .utf8)
    }
    let golden = try String(contentsOf: file, encoding: .utf8)
    let (lines, expected) = (page.split(separator: "\n"), golden.split(separator: "\n"))
    for (index, pair) in zip(lines, expected).enumerated() {
      guard pair.0 == pair.1 else {
        Issue.record("line \(index + 1): \(pair.0)\ngolden: \(pair.1)")
        return
      }
    }
    #expect(lines.count == expected.count)
  }

  private func normalised(_ page: String) -> String {
    var text = page.replacing(/<style>[\s\S]*?<\/style>/, with: "<style></style>")
      .replacing(/<script>[\s\S]*?<\/script>/, with: "<script></script>")
      .replacing(/sha256-[A-Za-z0-9+\/=]*/, with: "sha256")
    text = text.replacing(/"pixels":"([^"]*)"/) { match in
      "\"pixels\":\"\(hash(Data(base64Encoded: String(match.1)) ?? Data()))\""
    }
    text = text.replacing(/data:image\/png;base64,([^"]*)/) { match in
      let bytes = Data(base64Encoded: String(match.1)).map(Array.init) ?? []
      return "pixels:" + hash(Data((try? Picture(decoding: bytes).bytes) ?? []))
    }
    // A line for each element, so that a difference can be found.
    return text.replacing("><", with: ">\n<")
  }

  /// FNV-1a.
  private func hash(_ bytes: Data) -> String {
    let hash = bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return String(hash, radix: 16)
  }

  @Test(
    "highlights Swift without changing it",
    arguments: [
      "  for c in 0..<geometry.channelsPerGroup {  // why", "let text = \"a \\(f(\"b\")) c\"",
      "@specialized(where Scalar == Float)", "/// ∂L/∂w[k] = Σ_n 1.5e-3", "", "\"unfinished",
    ])
  func highlighting(line: String) {
    let tokens = SwiftHighlighter.tokens(line)
    #expect(tokens.map(\.text).joined() == line)
  }

  @Test("tells keywords, types, numbers, strings and comments apart")
  func kinds() {
    let tokens = SwiftHighlighter.tokens("for c in 0..<Size { f(\"x\\(y)\") }  // why")
    #expect(
      tokens.filter { $0.kind != .plain }.map(\.text) == [
        "for", "in", "0", "Size", "\"x\\(y)\"", "// why",
      ])
  }

  @Test("shows whole functions of all versions and leads from the formulas to lines that exist")
  func code() throws {
    let report = try Tour.parse(["--network", "mini", "--layer", "conv1"]).report()
    let layer = try #require(report.layers.first { $0.name == "conv1" })
    let html = LayerSection(layer: layer, count: 1).html().markup
    for version in ["Reference/", "Fast/", "Tuned/", "Tuned/Direct"] {
      #expect(html.contains("Sources/\(version)Convolution.swift"))
    }
    #expect(html.contains("Sources/Fast/Im2col.swift"))
    for function in [
      "addWeightGradient", "setInputGradient", "dOut", "forEachRow", "toPoints", "unpack",
    ] {
      #expect(html.contains(">\(function)") || html.contains(" \(function)"), "\(function)")
    }
    let links = html.matches(of: /data-lines="([^"]+)"/)
    #expect(links.count > 15)
    for link in links {
      for id in link.1.split(separator: " ") { #expect(html.contains("id=\"\(id)\"")) }
    }
  }

  @Test("sets every formula in MathML")
  func mathML() throws {
    let page = try TourPageFixture.page.get()
    for layer in try TourPageFixture.report.get().layers where layer.repeats == nil {
      for formula in [layer.formula] + (layer.backward?.formulas ?? []) {
        for statement in Formula(formula).statements where statement.text.contains(" = ") {
          #expect(statement.equation != nil, "\(layer.name): \(statement.text)")
        }
      }
    }
    #expect(page.matches(of: /<math display="block"/).count > 15)
    #expect(page.contains("<munder><mo>∑</mo>"))
  }

  @Test("says nothing of a seventh ReLU but what is its own")
  func brevity() throws {
    let page = try TourPageFixture.page.get()
    let relu7 = try #require(
      page.firstMatch(of: /<section id="layer-relu7"[\s\S]*?<section id="layer-/))
    #expect(relu7.0.contains("The formulas and the code are those of"))
    #expect(!relu7.0.contains("<math") && !relu7.0.contains("<details"))
    #expect(relu7.0.utf8.count < 8000)
  }
}
