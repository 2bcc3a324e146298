import Fast
import Foundation
import Layers
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

  /// A comparison is measured once for all tests: the roof takes seconds.
  private static let both = Result { try comparison(.both) }
  private static let fast = Result { try comparison(.fast) }

  private static func comparison(_ versions: VersionChoice) throws -> CompareReport {
    try Comparison(
      definition: mini(), batch: 2, threads: 2, warmup: 1, repeats: 2, versions: versions, seed: 1,
      progress: Progress(steps: 1)
    ).run()
  }

  private func report(_ versions: VersionChoice) throws -> CompareReport {
    try (versions == .both ? Self.both : Self.fast).get()
  }

  /// What `--layer` shows, beside a roof that isn't measured.
  private func report(_ versions: VersionChoice, only name: String) throws -> CompareReport {
    let layers = try LayerComparison(
      definition: mini(), batch: 2, warmup: 1, repeats: 2, versions: versions,
      only: mini().index(of: name), seed: 1, progress: Progress(steps: 1)
    ).measure(Engine(threads: 2))
    return CompareReport(
      network: "mini", environment: .current(threads: 2, batch: 2, warmup: 1, repeats: 2),
      roof: .init(gemmGigaflops: 1000), layers: layers, totals: .init())
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
    #expect(face.environment.repeats == 2 && face.environment.warmup == 1)
    #expect(face.roof.gemmGigaflops > 0)
    for layer in face.layers {
      #expect(layer.naiveForwardSeconds != nil && layer.fastForwardSeconds != nil)
      #expect(layer.naiveBackwardSeconds != nil && layer.fastBackwardSeconds != nil)
      #expect(layer.maxDifference != nil)
    }
    // Outputs and gradients of two right programs in Float: as against Caffe, 1e-5.
    #expect(report.layers.allSatisfy { ($0.maxRelativeDifference ?? .infinity) <= 1e-5 })
    #expect(report.layers.allSatisfy { ($0.maxRelativeGradientDifference ?? .infinity) <= 1e-5 })
    #expect(report.layers.allSatisfy { $0.maxGradientDifference != nil })
    for layer in report.layers {
      expect(layer.naiveForwardSeconds, isIn: layer.naiveForwardSecondsRange)
      expect(layer.fastForwardSeconds, isIn: layer.fastForwardSecondsRange)
      expect(layer.naiveBackwardSeconds, isIn: layer.naiveBackwardSecondsRange)
      expect(layer.fastBackwardSeconds, isIn: layer.fastBackwardSecondsRange)
    }
    for version in [report.totals.naive, report.totals.fast] {
      expect(version?.forwardImagesPerSecond, isIn: version?.forwardImagesPerSecondRange)
      expect(version?.trainingImagesPerSecond, isIn: version?.trainingImagesPerSecondRange)
    }
    #expect(face.network.naive != nil && face.network.fast != nil)
    #expect((face.network.fast?.peakMemoryBytes ?? 0) > 0)
  }

  private func expect(_ median: Double?, isIn range: [Double]?) {
    guard let median, let range, range.count == 2 else {
      Issue.record("\(median as Any) in \(range as Any)")
      return
    }
    // The mean of two in the middle may be rounded, and the rates are quotients.
    #expect(range[0] <= median * (1 + 1e-12) && median <= range[1] * (1 + 1e-12))
  }

  @Test(
    "measures one layer alone, on the same input and gradient of the output",
    arguments: ["conv1", "relu1", "pool2", "norm2", "drop6", "fc7", "drop7", "loss"])
  func oneLayer(name: String) throws {
    let report = try report(.both, only: name)
    #expect(report.layers.map(\.name) == [name])
    let layer = try #require(report.layers.first)
    #expect(layer.naiveBackwardSeconds != nil && layer.fastBackwardSeconds != nil)
    // As for all layers.
    #expect(layer.maxRelativeDifference ?? .infinity <= 1e-5)
    #expect(layer.maxRelativeGradientDifference ?? .infinity <= 1e-5)
    let face = try face(report)
    #expect(face.network.naive == nil && face.network.fast == nil)
    let terminal = Terminal(width: 80, isStyled: false, isInteractive: false)
    let lines = CompareText(report: report, terminal: terminal).lines()
    #expect(lines[0].contains("mini, \(name) only") || BuildMode.isDebug)
    #expect(lines.last == "Without --layer, the whole network is measured, too.")
  }

  @Test("measures one layer of one version", arguments: [VersionChoice.fast, .reference])
  func oneLayer(of version: VersionChoice) throws {
    let layer = try #require(try report(version, only: "relu2").layers.first)
    #expect((layer.fastForwardSeconds != nil) == version.includesFast)
    #expect((layer.naiveBackwardSeconds != nil) == version.includesNaive)
    #expect(layer.maxDifference == nil && layer.maxGradientDifference == nil)
  }

  @Test("writes both differences and the spread into lines of no more than 80 columns")
  func table() throws {
    var report = try report(.both)
    report.roof.gemmGigaflops = 1000
    let terminal = Terminal(width: 80, isStyled: false, isInteractive: false)
    let lines = CompareText(report: report, terminal: terminal).lines()
    let first = try #require(lines.firstIndex { $0.hasPrefix("layer ") })
    let rows = lines[(first + 2)...].prefix { !$0.isEmpty }
    #expect(rows.count == 2 * report.layers.count)
    for row in rows {
      #expect(row.count <= 80 && row.contains(/e[-+]\d\d$/), "\(row)")
      #expect(row.matches(of: /±\d+%|>99%/).count == 2, "\(row)")
    }
  }

  @Test("says on a sweep's chart what was measured, and on what scale it stands")
  func sweepChart() {
    var report = SweepReport(
      network: "mini", variable: "threads",
      environment: .current(threads: 2, batch: 3, warmup: 1, repeats: 1), points: [])
    report.environment.build = "release"
    #expect(report.svg().contains(", batch 3, release build, medians of 1"))
    #expect(report.svg().contains("logarithmic"))
    report.environment.build = "debug"
    #expect(report.svg().contains("DEBUG BUILD: these times say nothing"))
    report.variable = "batch"
    #expect(report.svg().contains(", 2 threads, DEBUG BUILD"))
  }

  @Test("counts the memory of the roof's matrices on every thread")
  func roofMemory() throws {
    let definition = caffenet()
    let roof = GemmRoof(definition, summary: try NetworkPlan(definition, batch: 2))
    // fc6's weights, which the threads share among them, and conv1's three matrices on each: with two
    // images they aren't cut.
    #expect(roof.bytes(threads: 1) >= 4 * 4096 * 9216)
    let conv1 = 4.0 * Double(96 * 3025 + 363 * 3025 + 96 * 363)
    #expect(roof.bytes(threads: 1024) >= 1024 * conv1)
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
      ["--tricks", "--layer", "conv1"], ["--tricks", "--version", "both"],
      ["--sweep", "threads", "--layer", "conv1"], ["--sweep", "threads", "--version", "reference"],
      ["--sweep", "batch", "--batch", "2"], ["--sweep", "threads", "--threads", "2"],
    ])
  func refuses(arguments: [String]) {
    #expect(throws: (any Error).self) {
      try Walkthrough.parseAsRoot(["compare"] + arguments)
    }
  }

  @Test("refuses a layer that the network doesn't have")
  func unknownLayer() throws {
    var command = try Walkthrough.parseAsRoot(["compare", "--layer", "nosuch"])
    #expect(throws: LayerError.self) { try command.run() }
  }

  @Test(
    "takes what a mode measures anyway",
    arguments: [
      ["--tricks", "--version", "fast"], ["--sweep", "batch", "--threads", "2"],
      ["--sweep", "threads", "--batch", "2", "--version", "fast"],
    ])
  func takes(arguments: [String]) throws {
    _ = try Walkthrough.parseAsRoot(["compare"] + arguments)
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
