import Foundation
import Layers
import Networks
import Tensors
import Testing

@testable import walkthrough

/// The tour of mini, run once for all tests.
private let report = Result { () throws -> TourReport in
  let definition = mini(includeAccuracy: true)
  var generator = SplitMix64(seed: 5)
  let guide = TourGuide(
    definition: definition,
    image: TourImage(
      tensor: .normal(try definition.inputShape(batch: 1), deviation: 1, using: &generator),
      label: 3, name: "noise"),
    seed: 1, progress: Progress(steps: 1))
  return try guide.run()
}

private let plain = Terminal(width: 80, isStyled: false, isInteractive: false)

@Suite("walkthrough tour")
struct TourTests {
  /// The part of `tour --json` that programs rely on.
  private struct Face: Decodable {
    struct Layer: Decodable {
      struct Statistics: Decodable {
        var mean: Double
        var deviation: Double
        var minimum: Double
        var maximum: Double
        var zeroShare: Double
      }

      struct Version: Decodable {
        var version: String
        var forwardSeconds: Double
        var backwardSeconds: Double?
        var difference: Double?
        var algorithm: String?
      }

      var name: String
      var output: [Int]
      var versions: [Version]
      var statistics: Statistics
    }

    var layers: [Layer]
    var loss: Double
  }

  @Test("has a report for each layer under the names that programs rely on")
  func json() throws {
    let report = try report.get()
    let face = try JSONDecoder().decode(Face.self, from: Data(JSON.text(report).utf8))
    #expect(face.layers.map(\.name) == mini(includeAccuracy: true).layers.map(\.name))
    #expect(face.layers[0].output == [24, 23, 23])
    #expect(face.loss == report.loss)
    for layer in face.layers {
      #expect(layer.versions.map(\.version) == ["reference", "fast", "tuned"])
      #expect(layer.versions.allSatisfy { $0.forwardSeconds > 0 })
      #expect(layer.versions.map { $0.difference == nil } == [true, false, false])
      #expect(layer.statistics.minimum <= layer.statistics.mean)
      #expect(layer.statistics.mean <= layer.statistics.maximum)
    }
  }

  /// Float sums of up to 864 products in another order than Double's: √864 roundings of 6e-8 of the
  /// largest partial sum, which may be some tens of times the result.
  @Test("adds up: bars to all values, parts to formulas, groups and types to totals")
  func sums() throws {
    let report = try report.get()
    for layer in report.layers {
      let count = layer.output.reduce(1, *)
      #expect(layer.histogram.counts.reduce(0, +) + layer.histogram.zeros == count, "\(layer.name)")
      #expect(layer.formulaParts.map(\.text).joined() == layer.formula, "\(layer.name)")
      #expect(layer.maps.count <= FeatureMap.limit && layer.agrees, "\(layer.name)")
      #expect(!layer.checks.contains { !$0.passed }, "\(layer.name)")
      if !layer.groups.isEmpty {
        #expect(layer.groups.reduce(0) { $0 + $1.parameters } == layer.parameters.total)
        #expect(layer.groups.last?.lastOutput == layer.output[0] - 1)
      }
    }
    #expect(report.totals.types.reduce(0) { $0 + $1.parameters } == report.parameters)
    #expect(report.totals.types.reduce(0) { $0 + $1.macs } == report.macs)
  }

  @Test("shows the window that a value is computed from, where it lies in the input")
  func windows() throws {
    let layers = try report.get().layers
    let example = try #require(layers[4].example)
    let conv2 = try #require(example.window)
    // Kernel 5, pad 2, second group of two with 12 channels each.
    #expect(conv2.firstChannel == 12 && conv2.lastChannel == 23)
    #expect(conv2.top == example.output[1] - 2 && conv2.left == example.output[2] - 2)
    #expect(conv2.inputs.count == 5 && conv2.weights?.count == 5)
    let pool1 = try #require(layers[2].example?.window)
    let values = pool1.inputs.joined().compactMap { $0 }
    #expect(values.max() == layers[2].example?.byHand)
  }

  @Test("shows functions whole, and leads from the pieces of each formula to lines in them")
  func formulaCode() throws {
    for layer in try report.get().layers {
      let codes = try [
        #require(layer.source.referenceCode), #require(layer.source.fastCode),
      ]
      for code in codes {
        #expect(!code.forward.isEmpty, "\(layer.name)")
        for passage in code.forward + code.backward {
          let lines = try #require(SourceTree.package.lines(of: passage.file))
          #expect(lines[passage.first - 1].contains("func "))
          #expect(lines[passage.last - 1].trimmingCharacters(in: .whitespaces) == "}")
        }
        for mark in code.marks {
          #expect(
            (code.forward + code.backward).contains {
              $0.file == mark.passage.file && $0.first < mark.passage.first
                && mark.passage.last < $0.last
            }, "\(layer.name): \(mark)")
        }
      }
      // Every piece with a meaning is computed somewhere, in both versions.
      for part in layer.formulaParts where part.meaning != nil {
        #expect(part.reference != nil && part.fast != nil, "\(layer.name): \(part.text)")
      }
      guard let backward = layer.backward else { continue }
      for (formula, parts) in zip(backward.formulas, backward.formulaParts) {
        #expect(parts.map(\.text).joined() == formula)
        for part in parts where part.meaning != nil {
          #expect(part.reference != nil && part.fast != nil, "\(layer.name): \(part.text)")
        }
      }
    }
  }

  /// Float sums of up to 2304 products in another order than Double's.
  @Test("computes every value by hand as the versions do, of outputs and of gradients")
  func byHand() throws {
    for layer in try report.get().layers {
      let example = try #require(layer.example)
      let scale = max(abs(example.byHand), layer.statistics.deviation)
      #expect(example.versions.map(\.version) == Version.allCases)
      for version in example.versions {
        #expect(abs(example.byHand - version.value) <= 1e-5 * scale, "\(layer.name)")
      }
      guard let backward = layer.backward else { continue }
      let propagates = backward.inputGradient != nil
      #expect(
        backward.examples.map(\.quantity)
          == (layer.parameters.total > 0 ? ["∂L/∂w", "∂L/∂b"] : [])
            + (propagates ? ["∂L/∂in"] : []),
        "\(layer.name)")
      #expect(backward.formulas.count >= backward.examples.count)
      for example in backward.examples {
        let statistics =
          example.quantity == "∂L/∂in"
          ? backward.inputGradient
          : backward.parameterGradients[example.quantity == "∂L/∂w" ? "weights" : "bias"]
        let scale = try max(
          abs(example.byHand), #require(statistics).maximum, -(#require(statistics).minimum))
        for version in example.versions {
          #expect(
            abs(example.byHand - version.value) <= 1e-5 * scale,
            "\(layer.name), \(example.quantity) of \(example.position): \(example.byHand)")
        }
      }
    }
  }

  @Test("has parts of sums that add up to the sums, and tables that hold the terms")
  func partialSums() throws {
    for layer in try report.get().layers {
      for example in [layer.example].compactMap({ $0 }) + (layer.backward?.examples ?? []) {
        var inner: Double?
        for sums in example.sums {
          let total = sums.parts.reduce(0) { $0 + $1.sum }
          #expect(abs(total - sums.total) <= 1e-12 * max(1, abs(total)), "\(layer.name)")
          // What was added up before is a part of what comes next.
          if let inner, let chosen = sums.chosen {
            #expect(abs(sums.parts[chosen].sum - inner) <= 1e-9 * max(1, abs(inner)))
          }
          inner = sums.total
          #expect(sums.parts.count <= 32)
          for (part, next) in zip(sums.parts, sums.parts.dropFirst()) {
            #expect(part.last + 1 == next.first)
          }
        }
      }
    }
    // conv2's table is that of the channel whose sum is named first, and its products are the sum.
    let example = try #require(try report.get().layers[4].example)
    let (inputs, weights) = (example.tables[0], example.tables[1])
    let product = zip(inputs.rows.joined(), weights.rows.joined()).reduce(0) {
      $0 + ($1.0 ?? 0) * ($1.1 ?? 0)
    }
    let chosen = try #require(example.sums[0].chosen)
    #expect(abs(example.sums[0].parts[chosen].sum - product) < 1e-12)
    #expect(inputs.title == "in, channel \(example.sums[0].parts[chosen].first)")
  }

  /// By following each window back, position by position.
  @Test("says what the output in the middle sees of the image, clipped to it")
  func seen() throws {
    let definition = mini(includeAccuracy: true)
    let plan = try NetworkPlan(definition)
    for (index, layer) in try report.get().layers.enumerated() {
      var rows: Set<Int> = [layer.output[1] / 2]
      var blob = plan.layers[index].top
      for earlier in (0...index).reversed() where plan.layers[earlier].top == blob {
        let window = try definition.layers[earlier].specification.window(
          for: plan.layers[earlier].inputs)
        let height = plan.layers[earlier].input.height
        rows = Set(
          rows.flatMap { row in
            (0..<(window?.extent.height ?? 1)).map {
              row * (window?.stride.height ?? 1) - (window?.pad.height ?? 0) + $0
            }
          }.filter { (0..<height).contains($0) })
        blob = plan.layers[earlier].bottoms[0]
      }
      #expect(layer.seen.rows == [rows.min() ?? -1, rows.max() ?? -1], "\(layer.name)")
      #expect(layer.seen.rows[1] < 99 && layer.seen.rows[0] >= 0)
    }
    let fc6 = try #require(report.get().layers.first { $0.name == "fc6" })
    #expect(fc6.sight.hasPrefix("99×99 pixels of the image ("))
    #expect(!fc6.sight.contains("apart"))
  }

  @Test("calls nothing dead that was dropped, or is 0 for one picture")
  func zeros() throws {
    let text = TourText(report: try report.get(), terminal: plain)
    for layer in text.report.layers {
      let lines = text.forward(layer)
      #expect(!lines.contains { $0.contains("dead") })
      #expect(
        lines.contains { $0.hasPrefix("  zero  ") }
          == (layer.type != "Dropout" && layer.output != [1, 1, 1]))
    }
  }

  @Test("names chapter and exercise at each station")
  func course() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = TourText(report: try report.get(), terminal: plain)
    for layer in text.report.layers {
      let course = try #require(layer.course)
      let chapter = try String(contentsOf: root.appending(path: course.file), encoding: .utf8)
      #expect(chapter.hasPrefix("# \(course.title)") || chapter.hasPrefix("# \(course.chapter). "))
      if let exercise = course.exercise {
        let catalogue = root.appending(path: "Exercises/Sources/exercise/Catalogue")
        let files = try FileManager.default.contentsOfDirectory(
          at: catalogue, includingPropertiesForKeys: nil)
        let isThere = try files.contains {
          try String(contentsOf: $0, encoding: .utf8).contains("name: \"\(exercise)\"")
        }
        #expect(isThere, "\(exercise)")
      }
      for lines in [text.forward(layer), text.backward(layer)] {
        #expect(lines.isEmpty || lines.contains { $0.contains("read on") }, "\(layer.name)")
      }
    }
  }

  @Test("has all versions agree within Float's rounding")
  func agreement() throws {
    let report = try report.get()
    for layer in report.layers {
      let scale = max(abs(layer.statistics.minimum), abs(layer.statistics.maximum))
      for version in layer.versions.dropFirst() {
        // As against Caffe: an order of magnitude above what two right programs differ by.
        #expect(version.difference?.absolute ?? .nan <= 1e-5 * scale, "\(layer.name)")
        #expect(version.difference?.relative ?? .nan <= 1e-5, "\(layer.name)")
      }
    }
    #expect(report.losses.map(\.version) == Version.allCases)
    #expect(report.losses[0].value == report.loss)
    #expect(report.totals.versions.allSatisfy { $0.forwardSeconds ?? 0 > 0 })
  }

  @Test("shows Reference beside Fast, and below them in a sentence what Tuned runs")
  func versions() throws {
    var layer = try report.get().layers[4]
    func set(_ algorithm: String?) {
      layer.versions[2].algorithm = algorithm
      layer.versions[2].forwardSeconds = 0.012
      layer.versions[2].difference = Difference(absolute: 3e-7, relative: 1e-7)
    }
    set("direct, NHWC")
    let text = TourText(report: try report.get(), terminal: plain).forward(layer)
    #expect(text.contains { $0.hasPrefix("  time        reference ") })
    #expect(text.contains { $0.contains("  fast      #") && $0.hasSuffix("×") })
    #expect(!text.contains { $0.contains("  tuned     #") })
    #expect(text.joined().contains("on this machine Tuned runs instead: direct, NHWC, 12.0 ms,"))
    #expect(
      layer.tuned(.forwards)
        == "on this machine Tuned runs instead: direct, NHWC, 12.0 ms, difference 3e-7")
    set("= fast")
    #expect(
      layer.tuned(.forwards) == "on this machine Tuned runs Fast's layer: 12.0 ms, difference 3e-7")
    layer.versions[2].backwardSeconds = 0.03
    layer.versions[2].gradientDifference = nil
    #expect(
      layer.tuned(.forwards, .backwards)
        == "on this machine Tuned runs Fast's layer: forwards 12.0 ms, difference 3e-7, "
        + "backwards 30.0 ms")
    set(nil)
    #expect(
      layer.tuned(.forwards) == "on this machine Tuned runs instead: 12.0 ms, difference 3e-7")
    layer.versions[2].forwardSeconds = nil
    #expect(layer.tuned(.forwards) == nil)
  }

  @Test("spells out shapes, formulas and places in the code")
  func contents() throws {
    let text = TourText(report: try report.get(), terminal: plain)
    let conv1 = text.forward(text.report.layers[0]).joined(separator: "\n")
    #expect(conv1.contains("23 = ⌊(99 − 11)/4⌋ + 1"))
    #expect(conv1.contains("8,736 = 8,712 weights (24×3×11×11) + 24 biases"))
    #expect(conv1.contains("4,608,648 MACs = 9,217,296 FLOPs"))
    #expect(conv1.contains("Sources/Reference/Convolution.swift:"))
    #expect(conv1.contains("Sources/Fast/Convolution.swift:"))
    let conv2 = text.forward(text.report.layers[4]).joined(separator: "\n")
    #expect(conv2.contains("11 = ⌊(11 + 2·2 − 5)/1⌋ + 1"))
    #expect(conv2.contains("groups"))
    let pool1 = text.forward(text.report.layers[2]).joined(separator: "\n")
    #expect(pool1.contains("11 = ⌈(23 − 3)/2⌉ + 1"))
    #expect(text.backward(text.report.layers[0]).joined().contains("not computed"))
  }

  @Test("names files and lines that exist")
  func sources() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    for layer in try report.get().layers {
      for source in [layer.source.reference, layer.source.fast] {
        let parts = source.split(separator: ":")
        let file = try #require(parts.first.map(String.init))
        let line = try #require(parts.last.flatMap { Int($0) })
        let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[line - 1].contains("public struct "), "\(source)")
      }
    }
  }

  @Test("goes on, back, and to a number, a name or a word")
  func moves() throws {
    let report = try report.get()
    let tour = TourStops(report)
    #expect(tour.move(from: 0, "") == .go(to: 1))
    #expect(tour.move(from: 0, "b") == .go(to: 0))
    #expect(tour.move(from: 5, "b") == .go(to: 4))
    #expect(tour.move(from: 5, "r") == .go(to: 5))
    #expect(tour.move(from: 0, "5") == .go(to: 5))
    #expect(tour.move(from: 0, " CONV2 ") == .go(to: 5))
    #expect(tour.move(from: 3, "q") == .quit)
    #expect(tour.move(from: tour.stops.count - 1, "") == .quit)
    #expect(tour.move(from: 3, "conv9") == .unknown("conv9"))
    #expect(tour.move(from: 3, "?") == .help)
    #expect(tour.move(from: 0, "/hold down") == .notFound("hold down"))
    #expect(tour.move(from: 0, "/holds down") == .go(to: 4), "norm1 is the first to say so")
    guard case .go(let cross) = tour.move(from: 4, "/CROSS term") else {
      Issue.record("the cross term isn't found")
      return
    }
    #expect(tour.stops[cross].names[0] == "-norm2" || tour.stops[cross].names[0] == "-norm1")
    #expect(tour.move(from: 3, "/no such word") == .notFound("no such word"))
    #expect(tour.move(from: 3, "/") == .unknown("/"))
    guard case .go(let backwards) = tour.move(from: 0, "-conv2") else {
      Issue.record("no way to conv2's backward pass")
      return
    }
    let text = TourText(report: report, terminal: plain)
    #expect(tour.stops[backwards].lines(text).joined().contains("conv2, backwards"))
  }

  @Test(
    "refuses what can't be, and says why",
    arguments: [
      (["--layer", "conv9"], "mini: layer \"conv9\" must be one of: conv1, relu1"),
      (["--image", "/no/such/file.png"], "/no/such/file.png"),
      (["--image", #filePath], "TourTests.swift"),
    ])
  func refuses(arguments: [String], message: String) throws {
    var command = try Walkthrough.parseAsRoot(["tour", "--network", "mini"] + arguments)
    let error = #expect(throws: (any Error).self) { try command.run() }
    #expect(error.map { String(describing: $0) }?.contains(message) == true)
  }
}
