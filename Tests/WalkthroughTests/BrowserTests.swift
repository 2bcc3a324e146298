import Foundation
import Testing

@testable import walkthrough

/// A browser and what drives it. `script/test --browser` installs them.
enum HeadlessBrowser {
  static let executable = ["chromium", "chromium-browser", "google-chrome"].lazy
    .compactMap(Tools.find).first
  static var isInstalled: Bool { executable != nil && Tools.python != nil }

  /// Whether pages are to be looked at in every detail, which takes minutes.
  static let isThorough =
    ProcessInfo.processInfo.environment["BROWSER_TESTS"] == "thorough"

  /// axe-core's file, where `script/test --browser` put it.
  static let axe: String? = {
    let file = Tools.tests.deletingLastPathComponent()
      .appending(path: ".build-test/axe/axe_playwright_python/axe.min.js").path
    return FileManager.default.fileExists(atPath: file) ? file : nil
  }()

  /// What is wrong with a page, a line each; empty when nothing is.
  static func problems(page: String, expectations: PageExpectations) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (file, expected) = (
      folder.appending(path: "page.html"), folder.appending(path: "expected.json")
    )
    try page.write(to: file, atomically: true, encoding: .utf8)
    try JSONEncoder().encode(expectations).write(to: expected)
    return try Tools.problems(
      "Browser/check_page.py",
      (isThorough ? ["--thorough"] : []) + [executable ?? "", file.path, expected.path]
        + (axe.map { [$0] } ?? []))
  }
}

@Suite(
  "pages in a browser",
  .enabled(
    if: HeadlessBrowser.isInstalled,
    "no chromium or no python3 in PATH: script/test --browser installs them"))
struct BrowserTests {
  @Test("the tour loads alone, moves as the Swift code computes, and can be used by everybody")
  func tour() throws {
    try check(
      TourPageFixture.page.get(), PageExpectations(try TourPageFixture.report.get()))
  }

  @Test(
    "so does that of the full-size network, with its times and its code",
    .enabled(if: !BuildMode.isDebug, "it takes minutes without the optimizer"))
  func fullSizeTour() throws {
    let report = try Tour.parse([]).report()
    let page = try TourPage(report: report).document()
    #expect(page.utf8.count < 5 << 20)
    try check(page, PageExpectations(report))
  }

  @Test("a training run loads alone, and can be used by everybody")
  func training() throws {
    try check(
      try TrainingPage(report: try TrainingPageTests.report()).document(),
      PageExpectations(ids: TrainingPageTests.sections))
  }

  private func check(_ page: String, _ expectations: PageExpectations) throws {
    let problems = try HeadlessBrowser.problems(page: page, expectations: expectations)
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }
}
