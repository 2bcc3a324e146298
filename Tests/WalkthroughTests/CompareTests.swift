import ArgumentParser
import Fast
import Foundation
import Layers
import Networks
import Tensors
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

    struct VersionOfLayer: Decodable {
      var version: String
      var forwardSeconds: Double
      var backwardSeconds: Double
      var difference: Double?
      var algorithm: String?
    }

    struct Layer: Decodable {
      var name: String
      var versions: [VersionOfLayer]
      // Of when there were two versions.
      var naiveForwardSeconds: Double?
      var fastForwardSeconds: Double?
      var naiveBackwardSeconds: Double?
      var fastBackwardSeconds: Double?
      var maxDifference: Double?
    }

    struct Speed: Decodable {
      var version: String
      var forwardImagesPerSecond: Double
      var trainingImagesPerSecond: Double
      var peakMemoryBytes: Int
    }

    struct Totals: Decodable {
      var versions: [Speed]
      var reference: Speed?
      var naive: Speed?
      var fast: Speed?
      var tuned: Speed?
    }

    var environment: Environment
    var roof: Roof
    var layers: [Layer]
    var network: Totals
  }

  /// A comparison is measured once for all tests: the peak takes seconds.
  private static let all = Result { try comparison(Version.allCases) }
  private static let fast = Result { try comparison([.fast]) }

  private static func comparison(_ versions: [Version]) throws -> CompareReport {
    try Comparison(
      definition: mini(), batch: 2, threads: 2, warmup: 1, repeats: 2, versions: versions, seed: 1,
      progress: Progress(steps: 1)
    ).run()
  }

  /// What `--layer` shows, beside a peak that isn't measured.
  private func report(_ versions: [Version], only name: String) throws -> CompareReport {
    let layers = try LayerComparison(
      definition: mini(), batch: 2, warmup: 1, repeats: 2, versions: versions,
      only: mini().index(of: name), seed: 1, progress: Progress(steps: 1)
    ).measure(Engine(threads: 2))
    return CompareReport(
      network: "mini", environment: .current(threads: 2, batch: 2, warmup: 1, repeats: 2),
      peak: .init(gemmGigaflops: 1000), layers: layers, speeds: [])
  }

  private func face(_ report: CompareReport) throws -> Face {
    try JSONDecoder().decode(Face.self, from: Data(JSON.text(report).utf8))
  }

  @Test("measures every version of every layer and how far it is from Reference")
  func all() throws {
    let report = try Self.all.get()
    let face = try face(report)
    #expect(face.layers.map(\.name) == mini().layers.map(\.name))
    #expect(face.environment.batch == 2 && face.environment.threads == 2)
    #expect(face.environment.repeats == 2 && face.environment.warmup == 1)
    #expect(face.roof.gemmGigaflops > 0)
    for (layer, inside) in zip(face.layers, report.layers) {
      #expect(layer.versions.map(\.version) == ["reference", "fast", "tuned"])
      #expect(layer.versions.map(\.algorithm) == inside.versions.map(\.algorithm))
      #expect(layer.versions.map { $0.difference == nil } == [true, false, false])
      // The keys of old say the same.
      #expect(layer.naiveForwardSeconds == layer.versions[0].forwardSeconds)
      #expect(layer.naiveBackwardSeconds == layer.versions[0].backwardSeconds)
      #expect(layer.fastForwardSeconds == layer.versions[1].forwardSeconds)
      #expect(layer.fastBackwardSeconds == layer.versions[1].backwardSeconds)
      #expect(layer.maxDifference == inside.versions[.fast]?.difference?.absolute)
      for version in inside.versions {
        expect(version.forwardSeconds, isIn: version.forwardSecondsRange)
        expect(version.backwardSeconds, isIn: version.backwardSecondsRange)
        guard version.version != .reference else { continue }
        // Outputs and gradients of two right programs in Float: as against Caffe, 1e-5.
        #expect(version.difference?.relative ?? .infinity <= 1e-5)
        #expect(version.gradientDifference?.relative ?? .infinity <= 1e-5)
      }
    }
    #expect(report.speeds.map(\.version) == Version.allCases)
    for speed in report.speeds {
      expect(speed.forwardImagesPerSecond, isIn: speed.forwardImagesPerSecondRange)
      expect(speed.trainingImagesPerSecond, isIn: speed.trainingImagesPerSecondRange)
      #expect(speed.peakMemoryBytes > 0)
    }
    #expect(face.network.versions.map(\.version) == ["reference", "fast", "tuned"])
    for (entry, version) in [
      (face.network.reference, "reference"), (face.network.naive, "reference"),
      (face.network.fast, "fast"), (face.network.tuned, "tuned"),
    ] {
      #expect(entry?.version == version)
    }
  }

  @Test("takes the furthest of several tensors, by the largest magnitude of each, and keeps NaN")
  func difference() {
    var difference = Difference()
    difference.add(
      Tensor(Shape(2), [1, 8]), reference: Tensor<Float>(Shape(2), [1, 10]))
    #expect(difference.absolute == 2 && difference.relative == 0.2)
    difference.add(0.5, largestMagnitude: 1)
    #expect(difference.absolute == 2 && difference.relative == 0.5)
    difference.add(0.125, largestMagnitude: 0)
    #expect(difference.absolute == 2 && difference.relative == 0.5)
    difference.add(.nan, largestMagnitude: 1)
    difference.add(3, largestMagnitude: 1)
    #expect(difference.absolute.isNaN && difference.relative.isNaN)
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
    let report = try report(Version.allCases, only: name)
    #expect(report.layers.map(\.name) == [name])
    for version in try #require(report.layers.first).versions {
      #expect(version.backwardSeconds != nil)
      guard version.version != .reference else { continue }
      // As for all layers.
      #expect(version.difference?.relative ?? .infinity <= 1e-5)
      #expect(version.gradientDifference?.relative ?? .infinity <= 1e-5)
    }
    let face = try face(report)
    #expect(face.network.versions.isEmpty && face.network.naive == nil && face.network.fast == nil)
    let lines = CompareText(report: report, terminal: Self.terminal(80)).lines()
    #expect(lines[0].contains("mini, \(name) only") || BuildMode.isDebug)
    #expect(lines.last == "Without --layer, the whole network is measured, too.")
  }

  @Test("measures one layer of one version", arguments: Version.allCases)
  func oneLayer(of version: Version) throws {
    let layer = try #require(try report([version], only: "relu2").layers.first)
    #expect(layer.versions.map(\.version) == [version])
    #expect(layer.versions[0].forwardSeconds != nil && layer.versions[0].backwardSeconds != nil)
    #expect(layer.versions[0].difference == nil && layer.versions[0].gradientDifference == nil)
  }

  private static func terminal(_ width: Int) -> Terminal {
    Terminal(width: width, isStyled: false, isInteractive: false)
  }

  /// The lines of the layers' table or list, without its head.
  private func rows(_ report: CompareReport, width: Int) throws -> [String] {
    var report = report
    report.peak.gemmGigaflops = 1000
    // As wide as one is to be expected.
    for index in report.layers.indices {
      report.layers[index].versions[report.layers[index].versions.count - 1].algorithm =
        index == 4 ? "Winograd F(4×4, 3×3)" : "direct, NHWC"
    }
    let lines = CompareText(report: report, terminal: Self.terminal(width)).lines()
    let all = lines.drop { !$0.isEmpty }.dropFirst().prefix { !$0.isEmpty }
    // The head and the rows of the whole network are made for 80 columns.
    for line in width < 80 ? Array(all) : lines { #expect(line.count <= width, "\(line)") }
    return Array(all)
  }

  @Test("has a column a version, two lines a layer, and what else fits into the window")
  func table() throws {
    let report = try Self.all.get()
    for (width, holdsSpread, holdsPeak) in [
      (80, false, false), (100, true, false), (120, true, true),
    ] {
      let lines = try rows(report, width: width)
      let head = lines[0].split(separator: " ").map(String.init)
      #expect(
        head.filter { $0 != "±" && $0 != "of" && $0 != "peak" } == [
          "layer", "reference", "fast", "×", "diff", "tuned", "×", "diff", "algorithm",
        ])
      #expect(head.contains("±") == holdsSpread && head.contains("peak") == holdsPeak)
      #expect(lines.count == 2 + 2 * report.layers.count)
      for (index, line) in lines.dropFirst(2).enumerated() {
        let isForward = index % 2 == 0
        #expect(line.contains(isForward ? " forward " : " backward "))
        #expect(line.hasPrefix(isForward ? report.layers[index / 2].name : " "))
        // Two differences and two factors, and an algorithm on the first line of a layer.
        #expect(line.matches(of: /\ (\de[-+]\d|0)(?=\ |$)/).count == 2, "\(line)")
        #expect(line.matches(of: /[0-9.]+×/).count >= 2, "\(line)")
        #expect(line.matches(of: /±\d+%|>99%/).count == (holdsSpread ? 3 : 0), "\(line)")
        if isForward { #expect(line.hasSuffix(index == 8 ? " Winograd" : " direct, NHWC")) }
        if index == 9 { #expect(line.hasSuffix(" F(4×4, 3×3)")) }
      }
    }
  }

  @Test("lists the versions where no table fits, and one version without what it can't be held to")
  func list() throws {
    let report = try Self.all.get()
    let lines = try rows(report, width: 60)
    #expect(lines.count == 2 * 4 * report.layers.count)
    #expect(lines[0] == "conv1 forward")
    #expect(lines[1].hasPrefix("  reference: "))
    #expect(lines[3].contains(/^\ \ tuned: .*, [0-9.]+×, diff \de-\d, direct, NHWC/), "\(lines[3])")
    let alone = try rows(try Self.fast.get(), width: 80)
    #expect(
      alone[0].split(separator: " ") == ["layer", "fast", "±", "of", "peak", "algorithm"])
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

  @Test("counts the memory of the peak's matrices on every thread")
  func peakMemory() throws {
    let definition = caffenet()
    let peak = GEMMPeak(definition, summary: try NetworkPlan(definition, batch: 2))
    // fc6's weights, which the threads share among them, and conv1's three matrices on each: with two
    // images they aren't cut.
    #expect(peak.bytes(threads: 1) >= 4 * 4096 * 9216)
    let conv1 = 4.0 * Double(96 * 3025 + 363 * 3025 + 96 * 363)
    #expect(peak.bytes(threads: 1024) >= 1024 * conv1)
  }

  @Test("leaves out what isn't asked for")
  func fastOnly() throws {
    let face = try face(Self.fast.get())
    #expect(face.network.naive == nil && face.network.tuned == nil && face.network.fast != nil)
    #expect(face.layers.allSatisfy { $0.naiveForwardSeconds == nil && $0.maxDifference == nil })
  }

  @Test("says in its first line what kind of build it measured")
  func firstLine() throws {
    var report = try Self.fast.get()
    let terminal = Self.terminal(80)
    report.environment.build = "debug"
    let debug = CompareText(report: report, terminal: terminal).lines()
    #expect(debug[0].hasPrefix("DEBUG BUILD: these times say nothing"))
    report.environment.build = "release"
    let release = CompareText(report: report, terminal: terminal).lines()
    #expect(release[0] == "mini, release build")
  }

  @Test("draws a chart that is well-formed XML, with a bar and its number for each time")
  func chart() throws {
    let report = try Self.all.get()
    let svg = report.svg()
    #expect(
      svg.components(separatedBy: "<text").count == svg.components(separatedBy: "</text>").count)
    // Three bars a layer, a background and three squares of the legend.
    #expect(svg.components(separatedBy: "<rect").count - 1 == 3 * report.layers.count + 4)
    let parser = XMLCheck(svg)
    #expect(parser.isWellFormed)
  }

  @Test("sweeps several versions, a line each")
  func sweep() throws {
    let speed = try #require(Self.fast.get().speeds.first)
    var tuned = speed
    tuned.version = .tuned
    let report = SweepReport(
      network: "mini", variable: "batch",
      environment: .current(threads: 2, batch: 1, warmup: 1, repeats: 1),
      points: [1, 2].map { .init(value: $0, versions: [speed, tuned]) })
    let rows = report.lines().drop { !$0.isEmpty }.dropFirst(3)
    #expect(rows.map { $0.contains("tuned") } == [false, true, false, true])
    #expect(rows.map { String($0.prefix(1)) } == ["1", " ", "2", " "])
    // Forward and training of each, a background and four squares of the legend.
    #expect(report.svg().components(separatedBy: "<rect").count - 1 == 2 * 4 + 5)
    let json = try JSON.text(report)
    #expect(json.matches(of: /"versions" : \[/).count == 2)
    // Beside the list the one version of old.
    #expect(json.matches(of: /"version" : \{/).count == 2)
  }

  @Test(
    "refuses impossible options",
    arguments: [
      ["--batch", "0"], ["--batch", "x"], ["--threads", "-1"], ["--repeats", "0"],
      ["--version", "quick"], ["--version", "fast,fast"], ["--version", "fast,"],
      ["--version", ""], ["--tricks"],
      ["--sweep", "threads", "--layer", "conv1"], ["--sweep", "threads", "--version", "reference"],
      ["--sweep", "batch", "--batch", "2"], ["--sweep", "threads", "--threads", "2"],
    ])
  func refuses(arguments: [String]) {
    #expect(throws: (any Error).self) {
      try Walkthrough.parseAsRoot(["compare"] + arguments)
    }
  }

  @Test(
    "keeps to direct convolution with --exact",
    arguments: [
      ["compare"], ["train"], ["tour"],
      ["dump", "--net", "a", "--weights", "b", "--input", "c", "--output", "d"],
      ["test", "--net", "a", "--weights", "b"], ["classify", "--net", "a", "--weights", "b", "c"],
    ])
  func exact(arguments: [String]) throws {
    let conv3 = ConvolutionSpecification(outputChannels: 384, kernel: 3, pad: 1)
    for (isExact, algorithm) in [(false, "Winograd F(4×4, 3×3)"), (true, "direct, NHWC")] {
      let command = try Walkthrough.parseAsRoot(arguments + (isExact ? ["--exact"] : []))
      let options = Mirror(reflecting: command).children.compactMap {
        ($0.value as? OptionGroup<ExactOption>)?.wrappedValue
      }
      let option = try #require(options.first)
      let ran = option { Version.tuned.backend().convolution(conv3) }
      #expect(ran.algorithm(for: Shape(4, 256, 13, 13)) == algorithm)
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
      ["--version", "tuned,reference"], ["--sweep", "batch", "--threads", "2"],
      ["--sweep", "threads", "--batch", "2", "--version", "fast,tuned"],
      ["--sweep", "batch", "--version", "reference"],
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
