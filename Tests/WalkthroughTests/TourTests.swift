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
    image: .normal(try definition.inputShape(batch: 1), deviation: 50, using: &generator),
    label: 3, imageName: "noise", seed: 1, progress: Progress(steps: 1))
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

      var name: String
      var output: [Int]
      var naiveForwardSeconds: Double
      var fastForwardSeconds: Double
      var maxDifference: Double
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
      #expect(layer.naiveForwardSeconds > 0 && layer.fastForwardSeconds > 0)
      #expect(layer.statistics.minimum <= layer.statistics.mean)
      #expect(layer.statistics.mean <= layer.statistics.maximum)
    }
  }

  /// Float sums of up to 864 products in another order than Double's: √864 roundings of 6e-8 of the
  /// largest partial sum, which may be some tens of times the result.
  @Test("computes every value by hand as the two versions do")
  func byHand() throws {
    for layer in try report.get().layers {
      let scale = max(abs(layer.example.byHand), layer.statistics.deviation)
      #expect(abs(layer.example.byHand - layer.example.naive) <= 1e-5 * scale, "\(layer.name)")
      #expect(
        abs(layer.example.byHand - (layer.example.fast ?? .nan)) <= 1e-5 * scale, "\(layer.name)")
    }
  }

  @Test("has the two versions agree within Float's rounding")
  func agreement() throws {
    for layer in try report.get().layers {
      let scale = max(abs(layer.statistics.minimum), abs(layer.statistics.maximum))
      // As against Caffe: an order of magnitude above what two right programs differ by.
      #expect(layer.maxDifference ?? .nan <= 1e-5 * scale, "\(layer.name)")
    }
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
        #expect(lines[line - 1].contains("static var source"), "\(source)")
      }
    }
  }

  @Test("goes on, back, and to a number or name")
  func moves() throws {
    let tour = TourStops(TourText(report: try report.get(), terminal: plain))
    #expect(tour.move(from: 0, "") == .go(to: 1))
    #expect(tour.move(from: 0, "b") == .go(to: 0))
    #expect(tour.move(from: 5, "b") == .go(to: 4))
    #expect(tour.move(from: 0, "5") == .go(to: 5))
    #expect(tour.move(from: 0, " CONV2 ") == .go(to: 5))
    #expect(tour.move(from: 3, "q") == .quit)
    #expect(tour.move(from: tour.stops.count - 1, "") == .quit)
    #expect(tour.move(from: 3, "conv9") == .unknown("conv9"))
    guard case .go(let backwards) = tour.move(from: 0, "-conv2") else {
      Issue.record("no way to conv2's backward pass")
      return
    }
    #expect(tour.stops[backwards].lines.joined().contains("conv2, backwards"))
  }

  @Test("keeps to the width, but for the lines of the hand computation", arguments: [40, 80, 120])
  func width(width: Int) throws {
    let terminal = Terminal(width: width, isStyled: false, isInteractive: false)
    let text = TourText(report: try report.get(), terminal: terminal)
    for line in text.introduction() + text.loss() {
      #expect(line.count <= width)
    }
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
