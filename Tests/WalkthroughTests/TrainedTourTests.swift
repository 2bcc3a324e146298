import CaffeFormats
import CaffeTools
import Datasets
import Fast
import Foundation
import Networks
import Testing
import WholeFiles

@testable import walkthrough

@Suite("walkthrough tour --weights")
struct TrainedTourTests {
  private static let folder = FileManager.default.temporaryDirectory
    .appending(path: "TrainedTourTests-\(ProcessInfo.processInfo.processIdentifier)")

  /// A network with other random numbers than the tour would draw, as a file.
  private static let weights = Result {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let network = try Network(mini(), backend: FastBackend<Float>(), seed: 77)
    let url = folder.appending(path: "mini.caffemodel")
    try CaffeModel(of: network).write(to: url)
    return (path: url.path, weights: network.parameters)
  }

  private func tour(_ arguments: String...) throws -> Tour {
    let command = try Walkthrough.parseAsRoot(["tour"] + arguments)
    return try #require(command as? Tour)
  }

  @Test("shows what is in the file, in testing, and says where it is from")
  func weights() throws {
    let (path, weights) = try Self.weights.get()
    // The weights' names and shapes say that they are mini's.
    let report = try tour("--weights", path).report()
    #expect(report.network == "mini")
    #expect(report.weights.isTrained && report.weights.source == "mini.caffemodel")
    #expect(report.layers[0].filters == Raster.filters(weights[0][0]))
    // In testing, dropout passes on what it gets.
    let dropout = try #require(report.layers.first { $0.type == "Dropout" })
    #expect(dropout.example?.steps == ["nothing is dropped in testing"])
    #expect(report.predictions.count == 5)
    #expect(abs(report.predictions.reduce(0) { $0 + $1.probability }) <= 1)
    let text = TourText(
      report: report, terminal: Terminal(width: 80, isStyled: false, isInteractive: false))
    let all = TourStops(report).stops.flatMap { $0.lines(text) }.joined(separator: "\n")
    #expect(!all.contains("untrained"))
  }

  /// A short training run and pictures in files: the whole way that somebody goes.
  @Test(
    "says what pictures show, once the network has learnt",
    .enabled(if: !BuildMode.isDebug, "it takes minutes without the optimizer"))
  func predictions() throws {
    _ = try Self.weights.get()
    var settings = TrainSettings(network: .mini)
    (settings.iterations, settings.images, settings.testImages) = (150, 1000, 20)
    (settings.testInterval, settings.snapshotInterval) = (150, 0)
    let session = try TrainSession(settings, threads: nil)
    _ = try session.train(snapshots: nil) { _ in }
    let weights = Self.folder.appending(path: "learnt.caffemodel")
    try CaffeModel(of: session.run.network).write(to: weights)
    let labels = Self.folder.appending(path: "classes.txt")
    try SyntheticImages.classNames.joined(separator: "\n")
      .write(to: labels, atomically: true, encoding: .utf8)

    // Of another seed than those that it has learnt from.
    let images = try SyntheticImages(seed: 99)
    var right = 0
    for number in 0..<10 {
      let picture = Self.folder.appending(path: "\(number).png")
      try images.picture(number).writePNG(to: picture)
      let report = try tour(
        "--network", "mini", "--weights", weights.path, "--labels", labels.path, "--image",
        picture.path
      ).report()
      let first = try #require(report.predictions.first)
      #expect(first.name == SyntheticImages.classNames[first.label])
      if first.label == images.label(number) { right += 1 }
      let page = try TourPage(report: report).document()
      #expect(page.contains("What the network takes it for"))
      #expect(!page.contains("has not been trained"))
    }
    // Chance would get one; this short run gets seven. Other processors round otherwise, hence fewer.
    #expect(right >= 4, "\(right) of 10")
  }

  @Test("tours a deploy network, which has no loss to go back from")
  func deploy() throws {
    let net = Self.folder.appending(path: "deploy.prototxt")
    let (path, _) = try Self.weights.get()
    let text = """
      name: "short"
      layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 10 dim: 3 dim: 99 dim: 99 } } }
      layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 24 kernel_size: 11 stride: 4 } }
      layer { name: "pool" type: "Pooling" bottom: "conv1" top: "pool"
        pooling_param { pool: AVE global_pooling: true } }
      layer { name: "score" type: "InnerProduct" bottom: "pool" top: "score"
        inner_product_param { num_output: 4 } }
      layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }
      """
    try text.write(to: net, atomically: true, encoding: .utf8)
    let report = try tour("--weights", path, "--net", net.path).report()
    #expect(report.layers.map(\.name) == ["conv1", "pool", "score", "prob"])
    #expect(report.layers.allSatisfy { $0.backward == nil })
    #expect(report.weights.source == "mini.caffemodel (not in it, so left to chance: score)")
    #expect(report.predictions.count == 4)
    let plain = Terminal(width: 80, isStyled: false, isInteractive: false)
    let lines = TourText(report: report, terminal: plain).loss().joined(separator: " ")
    #expect(lines.contains("no loss"))
  }

  @Test("says that a picture's label is assumed")
  func label() throws {
    let picture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/pictures/colour.png")
    let report = try tour(
      "--network", "mini", "--untrained", "--image", picture.path
    ).report()
    #expect(report.image.isLabelAssumed && report.image.label == 0)
    let text = TourText(
      report: report, terminal: Terminal(width: 200, isStyled: false, isInteractive: false))
    #expect(text.introduction().joined(separator: " ").contains("its label is assumed to be 0"))
    #expect(text.introduction().joined(separator: " ").contains("untrained"))
  }

  @Test(
    "calls the classes by the names in a file, without WordNet's ids",
    arguments: [("", ""), ("n0144076", ""), ("", "\n\n"), ("n0144076", "\r\n")])
  func classNames(prefix: String, end: String) throws {
    let (path, _) = try Self.weights.get()
    let file = Self.folder.appending(path: "labels-\(prefix)-\(end.count).txt")
    let lines = (0..<10).map { number in
      (prefix.isEmpty ? "" : "\(prefix)\(number) ") + "class \(number), number \(number)"
    }
    try (lines.joined(separator: end == "\r\n" ? end : "\n") + end)
      .write(to: file, atomically: true, encoding: .utf8)
    let report = try tour("--network", "mini", "--weights", path, "--labels", file.path).report()
    #expect(report.predictions.count == 5)
    for prediction in report.predictions {
      #expect(prediction.name == "class \(prediction.label), number \(prediction.label)")
    }
    let text = TourText(
      report: report, terminal: Terminal(width: 200, isStyled: false, isInteractive: false))
    let first = try #require(report.predictions.first?.name)
    #expect(text.summary().joined().contains("\(first) "))
  }

  @Test("keeps a first word that is no id on every line")
  func wordsThatAreNoIDs() throws {
    _ = try Self.weights.get()
    let file = Self.folder.appending(path: "mixed.txt")
    try "n01440764 tench\nn1 goldfish\n".write(to: file, atomically: true, encoding: .utf8)
    #expect(try ClassNames.read(file.path) == ["n01440764 tench", "n1 goldfish"])
  }

  @Test("refuses names that are too few, or can't be read")
  func wrongNames() throws {
    let (path, _) = try Self.weights.get()
    let file = Self.folder.appending(path: "few.txt")
    try "tench\ngoldfish\n".write(to: file, atomically: true, encoding: .utf8)
    for (labels, message) in [
      (file.path, "few.txt: has 2 names; mini tells 10 classes apart"),
      ("/no/such.txt", "/no/such.txt: cannot be opened"),
    ] {
      let error = #expect(throws: FileError.self) {
        try tour("--network", "mini", "--weights", path, "--labels", labels).report()
      }
      #expect(error.map { "\($0)" }?.contains(message) == true)
    }
  }

  @Test("refuses files that don't fit, and a network without what it has learnt")
  func refusals() throws {
    let (path, _) = try Self.weights.get()
    #expect(throws: (any Error).self) { try tour("--net", "x.prototxt") }
    let missing = #expect(throws: (any Error).self) {
      try tour("--weights", "/no/such.caffemodel").report()
    }
    #expect(missing.map { "\($0)" }?.contains("/no/such.caffemodel") == true)
    let error = #expect(throws: (any Error).self) {
      try tour("--network", "caffenet", "--weights", path).report()
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("layer \"conv1\""))
    #expect(text.hasSuffix("these weights are mini's: --network mini"))
  }
}
