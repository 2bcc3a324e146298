import Foundation
import Testing

@testable import walkthrough

@Suite("the content security policy of pages")
struct PagePolicyTests {
  enum Page: String, CaseIterable {
    case tour, training

    func document() throws -> String {
      switch self {
      case .tour: try TourPageFixture.page.get()
      case .training: try TrainingPage(report: try TrainingPageTests.report()).document()
      }
    }
  }

  /// The SHA-256 of a text as another program than ours computes it, in Base64.
  private func digest(_ text: Substring) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: try #require(Tools.find("sha256sum")))
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    // It reads all before it writes, so neither pipe can be in the other's way.
    try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    try input.fileHandleForWriting.close()
    let line = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let digits = Array(line.prefix(64).utf8)
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
    }
    try #require(bytes.count == 32)
    return Data(bytes).base64EncodedString()
  }

  @Test("allows the page's own code by its hashes, and nothing else", arguments: Page.allCases)
  func hashes(page: Page) throws {
    let page = try page.document()
    let styles = page.matches(of: /<style>([\s\S]*?)<\/style>/)
    let scripts = page.matches(of: /<script>([\s\S]*?)<\/script>/)
    try #require(styles.count == 1 && scripts.count == 1)
    let found = try #require(
      page.firstMatch(of: /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/))
    let policy = found.1.replacing("&#39;", with: "'")
    #expect(
      policy.split(separator: "; ") == [
        "default-src 'none'", "img-src data:", "style-src 'sha256-\(try digest(styles[0].1))'",
        "script-src 'sha256-\(try digest(scripts[0].1))'", "base-uri 'none'", "form-action 'none'",
        "require-trusted-types-for 'script'", "trusted-types 'none'",
      ])
    // It only holds for what stands behind it.
    #expect(found.range.upperBound < styles[0].range.lowerBound)
    #expect(page.matches(of: /<script/).count == 2)
  }

  @Test("finds no style and no handler in any tag", arguments: Page.allCases)
  func attributes(page: Page) throws {
    let markup = try page.document()
      .replacing(/<(style|script)[^>]*>[\s\S]*?<\/(style|script)>/, with: "")
    let tags = markup.matches(of: /<[a-z][^>]*>/)
    #expect(tags.count > 100)
    for tag in tags {
      let names = tag.0.replacing(/"[^"]*"/, with: "\"\"").split(separator: " ").dropFirst()
      #expect(!names.contains { $0.hasPrefix("on") || $0.hasPrefix("style") }, "\(tag.0)")
    }
  }

  @Test("has a rule for each share that an element asks for", arguments: Page.allCases)
  func shares(page: Page) throws {
    let page = try page.document()
    let asked = Set(page.matches(of: /\sdata-share="(\d+)"/).map(\.1))
    let style = try #require(page.firstMatch(of: /<style>([\s\S]*?)<\/style>/)).1
    #expect(!asked.isEmpty)
    for share in asked {
      let value = Double(share).map { $0 / 1000 } ?? -1
      #expect(style.contains("[data-share=\"\(share)\"] { --share: \(value); }"))
    }
  }

  @Test("is hashed as browsers hash it, whatever line ends a checkout has")
  func lineEnds() {
    #expect(OwnCode(Array("a\r\nb\r\n".utf8), Array("c".utf8), rules: "d").text == "a\nb\n\ncd")
  }

  /// What makes elements or code of a string; the policy refuses it, and the scripts are to do without.
  @Test(
    "covers scripts that make no markup of strings",
    arguments: [
      "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(",
      "DOMParser", "createContextualFragment", "srcdoc", "setHTML", "javascript:", ".href =",
      ".src =",
      "import(", "createElement(\"script\")",
    ])
  func scripts(word: String) {
    #expect(!PageFrame.script.text.contains(word))
  }
}
