import Foundation
import Testing

@testable import walkthrough

/// Names that somebody gives to files, layers and classes to get into a page.
enum HostileText {
  /// What follows a special character to make another `Character` of it: combining marks, one that
  /// composes with `<`, `=` and `>`, joiners, and a variation selector.
  static let marks: [String] = ["", "\u{338}", "\u{301}", "\u{20E3}", "\u{200D}", "\u{FE0F}"]

  /// Every special character before every mark, and every character of ASCII and of C1.
  static let all: [String] =
    ["&", "<", ">", "\"", "'", "`", "=", "/", "-", "\\", "\r", "\r\n", "\0"].flatMap { special in
      marks.map { "a\(special)\($0)b" }
    }
    + (0..<0xA0).compactMap { Unicode.Scalar($0).map { "a\($0)\u{338}b" } }
    + [
      "\u{338}", "<!--", "-->", "<![CDATA[", "]]>", "</script", "</script\u{338}>",
      "<\u{338}script>",
      "</style>", "</title><script>", "&lt;script&gt;", "&#60;", "&quot", "\u{2028}\u{2029}",
      "\u{202E}gpj.\u{2066}x\u{2069}", "\u{FFFE}\u{FFFF}\u{FEFF}", "\\u003cscript>", "\\\"\\", "",
      // What is read from bytes that are no UTF-8: a quotation mark in six bits too many, a lone
      // surrogate, the beginning of a longer character.
      String(decoding: [0x22, 0xC0, 0xA2, 0xED, 0xA0, 0x80, 0x3C, 0xE2, 0x80], as: UTF8.self),
    ]
}

@Suite("text in HTML, SVG and JSON")
struct EscapingTests {
  /// The text between two tags, where there has to be nothing else.
  private func content(of html: HTML, in tag: String) throws -> String {
    let bytes = Array(html.markup.utf8)
    let (start, end) = ("<\(tag)>", "</\(tag)>")
    try #require(bytes.starts(with: start.utf8))
    return String(
      decoding: bytes.dropFirst(start.utf8.count).dropLast(end.utf8.count), as: UTF8.self)
  }

  /// What a parser makes of a text, which must hold no byte that means markup, except `&` before one
  /// of the references that we write.
  private func decoded(_ markup: String) throws -> String {
    let bytes = Array(markup.utf8)
    for byte in "<>\"'\r\0".utf8 { #expect(!bytes.contains(byte), "\(markup.debugDescription)") }
    var result: [UInt8] = []
    var rest = bytes[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "&") else {
        result.append(byte)
        continue
      }
      let end = try #require(rest.firstIndex(of: UInt8(ascii: ";")), "\(markup.debugDescription)")
      let name = String(decoding: rest[..<end], as: UTF8.self)
      let meaning = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "#39": "'", "#x338": "\u{338}",
      ][name]
      result += Array(try #require(meaning, "&\(name);").utf8)
      rest = rest[(end + 1)...]
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Strings are one in Swift when they look alike; here they have to be one byte for byte.
  private func expectSame(_ text: String, _ expected: String) {
    #expect(
      Array(text.utf8) == Array(expected.utf8),
      "\(text.debugDescription), not \(expected.debugDescription)")
  }

  @Test("is in an element what it was", arguments: HostileText.all)
  func text(text: String) throws {
    let markup = try content(of: element("p") { text }, in: "p")
    expectSame(try decoded(markup), Escaping.visible(text))
  }

  @Test("is in an attribute what it was", arguments: HostileText.all)
  func attribute(text: String) throws {
    let markup = Array(element("p", ["title": text]).markup.utf8)
    let (start, end) = (Array("<p title=\"".utf8), Array("\"></p>".utf8))
    guard !text.isEmpty else {
      return expectSame(String(decoding: markup, as: UTF8.self), "<p title></p>")
    }
    try #require(markup.starts(with: start) && markup.suffix(end.count) == end[...])
    let value = markup.dropFirst(start.count).dropLast(end.count)
    expectSame(try decoded(String(decoding: value, as: UTF8.self)), Escaping.visible(text))
  }

  @Test("is in a drawing what it was", arguments: HostileText.all)
  func svg(text: String) throws {
    let markup = Array(SVG.text(text, x: 0, y: 0).utf8)
    let start = try #require(markup.firstIndex(of: UInt8(ascii: ">")))
    let value = markup[(start + 1)...].dropLast("</text>\n".utf8.count)
    expectSame(try decoded(String(decoding: value, as: UTF8.self)), Escaping.visible(text))

    let document = SVG.document(
      title: text, subtitle: text, width: 9, height: 9, left: 0, body: "")
    // XML knows no other characters.
    #expect(
      document.unicodeScalars.allSatisfy {
        switch $0.value {
        case 0x09, 0x0A, 0x20..<0x7F, 0xA0...0xFFFD, 0x10000...: true
        default: false
        }
      })
    #expect(document.utf8.count { $0 == UInt8(ascii: "<") } == 9)
  }

  @Test("is in JSON what it was, and holds nothing of HTML's", arguments: HostileText.all)
  func json(text: String) throws {
    let json = try HTML.json([text: text]).markup
    for scalar in ["<", ">", "&", "\u{338}", "\u{2028}", "\u{2029}"] as [Unicode.Scalar] {
      #expect(!json.unicodeScalars.contains(scalar), "\(json.debugDescription)")
    }

    let read = try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
    let (key, value) = try #require(read.first)
    expectSame(key, text)
    expectSame(value, text)
  }

  @Test("shows characters that can't be seen")
  func visible() {
    expectSame(Escaping.visible("a\0\r\u{1B}[31m\u{7F}\t\n"), "a␀␍␛[31m␡\t\n")
    expectSame(
      Escaping.visible("\u{85}\u{202E}\u{2069}\u{FFFE}"), "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}")
    expectSame(Escaping.visible("é e\u{301} שלום 漢字 👩‍🔬"), "é e\u{301} שלום 漢字 👩‍🔬")
  }

  @Test("makes ids of names, another one of each")
  func identifiers() {
    let names =
      HostileText.all + ["conv1", "conv1-output", "inception_3a/1x1", "a b", "a~20b", "100%"]
    let bytes = Set(names.map { Array($0.utf8) })
    let identifiers = Set(names.map(Escaping.identifier))
    #expect(identifiers.count == bytes.count)
    for identifier in identifiers {
      #expect(identifier.wholeMatch(of: /[A-Za-z0-9_.\/:~]*/) != nil, "\(identifier)")
    }
    #expect(Escaping.identifier("inception_3a/1x1") == "inception_3a/1x1")
    #expect(Escaping.identifier("a b-ü") == "a~20b~2D~C3~BC")
  }

  @Test("takes shares to the thousandth, whatever they are")
  func shares() {
    for (share, thousandths) in [
      (0.0, 0), (0.0004, 0), (0.25, 250), (0.9996, 1000), (1, 1000), (-1, 0), (7, 1000),
      (.nan, 0), (.infinity, 0),
    ] {
      #expect(PageStyle.thousandths(share) == thousandths, "\(share)")
    }
    let piece = HTML([element("i", share: 0.25), element("b") { element("i", share: 0.5) }])
    #expect(piece.shares == [250, 500])
    #expect(piece.markup == "<i data-share=\"250\"></i><b><i data-share=\"500\"></i></b>")
    let rules = PageStyle.code(shares: piece.shares).text
    #expect(
      rules.hasSuffix(
        "[data-share=\"250\"] { --share: 0.25; }\n[data-share=\"500\"] { --share: 0.5; }\n"))
  }
}
