import Foundation
import Testing

/// `script/pages`: every chapter becomes a page, with its formulas, and its links lead somewhere.
@Suite("script/pages") struct PagesScriptTests {
  /// A checkout in small, with a walkthrough that writes empty pages.
  private final class Checkout {
    let root = FileManager.default.temporaryDirectory.appending(path: "pages script \(UUID())")
    var site: URL { root.appending(path: ".build-pages/site") }

    init() throws {
      try FileManager.default.createDirectory(
        at: root.appending(path: "script"), withIntermediateDirectories: true)
      for path in ["Docs", "script/pages", "script/site"] {
        try FileManager.default.copyItem(
          at: PackageFolder.root.appending(path: path), to: root.appending(path: path))
      }
      let stub = root.appending(path: "stub")
      try "#!/bin/bash\nwhile [ \"$1\" != --html ]; do shift; done\necho page > \"$2\"\n"
        .write(to: stub, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: stub.path)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func run(_ arguments: [String], repository: String = "") throws -> (code: Int32, text: String) {
      let process = Process()
      process.executableURL = root.appending(path: "script/pages")
      process.arguments = arguments
      var environment = ProcessInfo.processInfo.environment
      environment["WALKTHROUGH"] = "./stub"
      environment["SITE_REPOSITORY"] = repository
      process.environment = environment
      let output = Pipe()
      (process.standardOutput, process.standardError) = (output, output)
      try process.run()
      let text = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }
  }

  private static let hasPandoc = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/pandoc") }

  @Test(
    "makes a page of each chapter", .enabled(if: hasPandoc, "there is no pandoc"),
    arguments: ["", "https://example.org/blob/main"])
  func site(repository: String) throws {
    let checkout = try Checkout()
    let ended = try checkout.run(["--without-reference"], repository: repository)
    #expect(ended.code == 0, "\(ended.text)")
    let chapters = try FileManager.default.contentsOfDirectory(
      atPath: checkout.root.appending(path: "Docs").path
    ).filter { $0.hasSuffix(".md") }
    #expect(chapters.count > 15)
    var pages = chapters.map { name in
      "chapters/" + (name == "README.md" ? "index" : String(name.dropLast(3)))
    }
    pages.append("index")
    for page in pages {
      let file = checkout.site.appending(path: page + ".html")
      let text = try String(contentsOf: file, encoding: .utf8)
      let title = try #require(text.firstMatch(of: /<title>([^<]*)<\/title>/)).1
      #expect(!title.isEmpty, "\(page)")
      #expect(!text.contains("$<code>") && !text.contains("class=\"math\""), "\(page)")
      for reference in text.matches(of: /(?:href|src)="([^"#]+)[^"]*"/).map(\.1) {
        guard !reference.hasPrefix("http"), !reference.hasPrefix("data:") else { continue }
        let target = file.deletingLastPathComponent().appending(path: String(reference))
        #expect(
          FileManager.default.fileExists(atPath: target.path), "\(page) leads to \(reference)")
      }
    }
    let convolution = try String(
      contentsOf: checkout.site.appending(path: "chapters/02-Convolution.html"), encoding: .utf8)
    let leads = convolution.contains(
      "href=\"https://example.org/blob/main/Sources/Reference/Convolution.swift\"")
    #expect(leads != repository.isEmpty)
    let start = try String(
      contentsOf: checkout.site.appending(path: "index.html"), encoding: .utf8)
    for page in ["mini.html", "caffenet.html", "chapters/index.html"] {
      #expect(start.contains("<strong><a href=\"\(page)\">"), "the start page hides \(page)")
    }
    // Each formula of a chapter is one of its page.
    for chapter in chapters {
      let markdown = try String(
        contentsOf: checkout.root.appending(path: "Docs/\(chapter)"), encoding: .utf8)
      let page = chapter == "README.md" ? "index" : String(chapter.dropLast(3))
      let html = try String(
        contentsOf: checkout.site.appending(path: "chapters/\(page).html"), encoding: .utf8)
      let formulas = markdown.matches(of: /```math\n|\$`[^`]+`\$/).count
      #expect(html.matches(of: /<math\b/).count == formulas, "\(chapter)")
    }
    // Once more over what is there.
    #expect(try checkout.run(["--without-reference"]).code == 0)
  }

  @Test("says what it doesn't know, and does nothing then")
  func refusals() throws {
    let checkout = try Checkout()
    for arguments in [["--unknown"], ["folder"], ["--without-reference", "folder"]] {
      let ended = try checkout.run(arguments)
      #expect(ended.code == 64 && ended.text.hasPrefix("script/pages: "))
    }
    #expect(!FileManager.default.fileExists(atPath: checkout.site.path))
  }
}
