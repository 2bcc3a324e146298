import Fast
import Foundation
import Networks
import Testing

@testable import walkthrough

@Suite("walkthrough compare")
struct CompareTests {
  /// The part of `compare --json` that programs rely on.
  private struct Face: Decodable {
    struct Environment: Decodable {
      var build: String
      var processor: String
      var blas: String
      var threads: Int
      var batch: Int
      var warmup: Int
      var repeats: Int
    }

    struct Roof: Decodable {
      var gemmGigaflops: Double
    }

    struct Layer: Decodable {
      var name: String
      var naiveForwardSeconds: Double?
      var fastForwardSeconds: Double?
      var naiveBackwardSeconds: Double?
      var fastBackwardSeconds: Double?
      var maxDifference: Double?
    }

    struct Version: Decodable {
      var forwardImagesPerSecond: Double
      var trainingImagesPerSecond: Double
      var peakMemoryBytes: Int
    }

    struct Totals: Decodable {
      var naive: Version?
      var fast: Version?
    }

    var environment: Environment
    var roof: Roof
    var layers: [Layer]
    var network: Totals
  }

  private func report(_ versions: VersionChoice) throws -> CompareReport {
    try Comparison(
      definition: mini(), batch: 2, threads: 2, warmup: 1, repeats: 1, versions: versions, seed: 1,
      progress: Progress(steps: 1)
    ).run()
  }

  private func face(_ report: CompareReport) throws -> Face {
    try JSONDecoder().decode(Face.self, from: Data(JSON.text(report).utf8))
  }

  @Test("measures both versions of every layer and how far apart they are")
  func both() throws {
    let report = try report(.both)
    let face = try face(report)
    #expect(face.layers.map(\.name) == mini().layers.map(\.name))
    #expect(face.environment.batch == 2 && face.environment.threads == 2)
    #expect(face.environment.repeats == 1 && face.environment.warmup == 1)
    #expect(face.roof.gemmGigaflops > 0)
    for layer in face.layers {
      #expect(layer.naiveForwardSeconds != nil && layer.fastForwardSeconds != nil)
      #expect(layer.naiveBackwardSeconds != nil && layer.fastBackwardSeconds != nil)
      #expect(layer.maxDifference != nil)
    }
    // Outputs and gradients of two right programs in Float: as against Caffe, 1e-5.
    #expect(report.layers.allSatisfy { ($0.maxRelativeDifference ?? .infinity) <= 1e-5 })
    #expect(face.network.naive != nil && face.network.fast != nil)
    #expect((face.network.fast?.peakMemoryBytes ?? 0) > 0)
  }

  @Test("leaves the naive runs out when told to")
  func fastOnly() throws {
    let face = try face(report(.fast))
    #expect(face.network.naive == nil && face.network.fast != nil)
    #expect(face.layers.allSatisfy { $0.naiveForwardSeconds == nil && $0.maxDifference == nil })
  }

  @Test("says in its first line what kind of build it measured")
  func firstLine() throws {
    var report = try report(.fast)
    let terminal = Terminal(width: 80, isStyled: false, isInteractive: false)
    report.environment.build = "debug"
    let debug = CompareText(report: report, terminal: terminal).lines()
    #expect(debug[0].hasPrefix("DEBUG BUILD: these times say nothing"))
    report.environment.build = "release"
    let release = CompareText(report: report, terminal: terminal).lines()
    #expect(release[0] == "mini, release build")
  }

  @Test("draws a chart that is well-formed XML, with a bar and its number for each time")
  func chart() throws {
    let report = try report(.both)
    let svg = CompareChart(report: report).svg()
    #expect(
      svg.components(separatedBy: "<text").count == svg.components(separatedBy: "</text>").count)
    // Two bars a layer, a background and two squares of the legend.
    #expect(svg.components(separatedBy: "<rect").count - 1 == 2 * report.layers.count + 3)
    let parser = XMLCheck(svg)
    #expect(parser.isWellFormed)
  }

  @Test("measures every trick that concerns the network, on the layers that it concerns")
  func tricks() throws {
    let report = try TrickComparison(
      definition: mini(), batch: 2, threads: 2, repeats: 1, seed: 1
    ).run()
    #expect(report.tricks.map(\.trick) == Trick.allCases.map(\.rawValue))
    for row in report.tricks {
      #expect(!row.layers.isEmpty)
      for times in [row.forward, row.backward, row.bothOfAllLayers] {
        #expect(times.with > 0 && times.without > 0 && times.gain > 0)
      }
      #expect(row.forward.with + row.backward.with <= row.bothOfAllLayers.with)
    }
    let split = report.tricks.first { $0.trick == "split-rows" }
    #expect(split?.layers == ["conv1"])
    let lines = report.lines()
    #expect(lines[0].hasPrefix("mini, optimized version with and without each trick"))
    #expect(lines.count == 9 + report.tricks.count)
  }

  @Test(
    "refuses impossible options",
    arguments: [
      ["--batch", "0"], ["--batch", "x"], ["--threads", "-1"], ["--repeats", "0"],
      ["--tricks", "--sweep", "batch"], ["--tricks", "--svg", "tricks.svg"],
    ])
  func refuses(arguments: [String]) {
    #expect(throws: (any Error).self) {
      try Walkthrough.parseAsRoot(["compare"] + arguments)
    }
  }
}

/// Whether every tag that is opened is closed in order.
private struct XMLCheck {
  var isWellFormed: Bool

  init(_ text: String) {
    var open: [Substring] = []
    isWellFormed = true
    for match in text.matches(of: /<(\/?)([a-z]+)[^>]*?(\/?)>/) {
      if match.3 == "/" { continue }
      if match.1.isEmpty {
        open.append(match.2)
      } else if open.popLast() != match.2 {
        isWellFormed = false
      }
    }
    isWellFormed = isWellFormed && open.isEmpty
  }
}
