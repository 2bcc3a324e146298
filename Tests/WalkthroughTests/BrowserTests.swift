import Foundation
import Layers
import Networks
import Tensors
import Testing

@testable import walkthrough

/// A browser and what drives it. `script/test --browser` installs them.
enum HeadlessBrowser {
  static let executable = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap(find)
    .first
  static let python = find("python3")
  static var isInstalled: Bool { executable != nil && python != nil }

  private static func find(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// axe-core's file, where `script/test --browser` put it.
  static let axe: String? = {
    let file = tests.deletingLastPathComponent()
      .appending(path: ".build-test/axe/axe_playwright_python/axe.min.js").path
    return FileManager.default.fileExists(atPath: file) ? file : nil
  }()

  static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()

  /// What is wrong with a page, a line each; empty when nothing is.
  static func problems(page: String, expectations: some Encodable) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (file, expected) = (
      folder.appending(path: "page.html"), folder.appending(path: "expected.json")
    )
    try page.write(to: file, atomically: true, encoding: .utf8)
    try JSONEncoder().encode(expectations).write(to: expected)
    let process = Process()
    process.executableURL = URL(filePath: python ?? "")
    process.arguments =
      [
        tests.appending(path: "Browser/check_page.py").path, executable ?? "", file.path,
        expected.path,
      ] + (axe.map { [$0] } ?? [])
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let lines = text.split(separator: "\n").map(String.init)
    return process.terminationStatus == 0 && lines == ["nothing is wrong"] ? [] : lines
  }
}

/// What the page has to have and to say, computed by the package itself.
private struct Expectations: Encodable {
  struct ShapeCase: Encodable {
    var operation: String
    var size: Int
    var kernel: Int
    var stride: Int
    var pad: Int
    /// Missing where the specification refuses.
    var output: Int?
  }

  struct GroupCase: Encodable {
    var layer: String
    var grouped: String
    var whole: String
  }

  struct SlidingCase: Encodable {
    var layer: String
    /// Missing for a convolution, whose one channel isn't the whole sum.
    var result: Double?
  }

  var ids: [String]
  var shapes: [ShapeCase] = []
  var groups: [GroupCase] = []
  var sliding: [SlidingCase] = []

  /// Of a page that has nothing to move.
  init(ids: [String]) {
    self.ids = ids
  }

  init(_ report: TourReport) throws {
    ids =
      report.layers.map(\.anchor)
      + ["image", "loss", "totals", "laboratory", "shapes", "order", "curves"]
    for operation in ["convolution", "pooling"] {
      for size in [1, 6, 7, 13, 27, 28, 55, 64] {
        for (kernel, stride, pad) in [
          (1, 1, 0), (2, 1, 0), (3, 2, 0), (3, 2, 1), (3, 3, 2), (5, 1, 2), (2, 3, 0), (4, 3, 3),
          (11, 4, 0), (11, 6, 5), (3, 1, 4),
        ] {
          shapes.append(Self.shapeCase(operation, size, kernel, stride, pad))
        }
      }
    }
    for layer in report.layers where layer.groups.count > 1 {
      let input = try Shape(checking: [1] + layer.input)
      let count = layer.output[0]
      let kernel = try #require(layer.settings.kernel)
      func parameters(group: Int) throws -> Int {
        try ConvolutionSpecification(
          outputChannels: count, kernel: Extent(height: kernel[0], width: kernel[1]), group: group
        ).parameters(for: input).map(\.shape.count).reduce(0, +)
      }
      groups.append(
        .init(
          layer: layer.name, grouped: Format.grouped(try parameters(group: layer.groups.count)),
          whole: Format.grouped(try parameters(group: 1))))
    }
    sliding = report.layers.filter { LayerSection(layer: $0, count: 0).slides }.map {
      .init(layer: $0.name, result: $0.type == "Convolution" ? nil : $0.example.byHand)
    }
  }

  private static func shapeCase(
    _ operation: String, _ size: Int, _ kernel: Int, _ stride: Int, _ pad: Int
  ) -> ShapeCase {
    let (kernelExtent, strideExtent, padExtent) = (Extent(kernel), Extent(stride), Extent(pad))
    let specification: any LayerSpecification =
      operation == "convolution"
      ? ConvolutionSpecification(
        outputChannels: 1, kernel: kernelExtent, stride: strideExtent, pad: padExtent)
      : PoolingSpecification(
        .maximum, kernel: kernelExtent, stride: strideExtent, pad: padExtent)
    return ShapeCase(
      operation: operation, size: size, kernel: kernel, stride: stride, pad: pad,
      output: try? specification.outputShape(for: Shape(1, 1, size, size)).height)
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
    let report = try TourPageFixture.report.get()
    let problems = try HeadlessBrowser.problems(
      page: TourPageFixture.page.get(), expectations: try Expectations(report))
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }

  @Test("a training run loads alone, and can be used by everybody")
  func training() throws {
    let page = TrainingPage(report: try TrainingPageTests.report()).document()
    let problems = try HeadlessBrowser.problems(
      page: page, expectations: Expectations(ids: TrainingPageTests.sections))
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }
}
