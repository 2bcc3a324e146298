import CaffeFormats
import CaffeTools
import Datasets
import Fast
import Foundation
import NetworkFiles
import Networks
import Testing
import Tuned
import WholeFiles

@testable import walkthrough

@Suite("the trained mini")
struct TrainedMiniTests {
  private func parse<Command>(_ arguments: [String], as type: Command.Type) throws -> Command {
    try #require(try Walkthrough.parseAsRoot(arguments) as? Command)
  }

  @Test("is the network that script/trained-mini made, all of it")
  func digest() throws {
    let network = try Network(mini(), backend: FastBackend<Float>())
    let report = try TrainedMini.model().copy(into: network)
    #expect(report.untouched.isEmpty && report.ignored.isEmpty)
    #expect(network.plan.parameterCount == 203_370)
    #expect(network.parameterDigest == "9e926671888d5251")
    let file = Tools.tests.deletingLastPathComponent()
      .appending(path: "Sources/CTrainedMini/mini.caffemodel")
    let bytes = try WholeFile.read(file)
    #expect(bytes.count < 1 << 20)
    #expect(try CaffeModel(decoding: bytes).message == TrainedMini.model().message)
  }

  /// The first iterations of what `script/trained-mini` does. A change of a kernel that adds in another
  /// order makes another network of it: then the script has to run again, and the numbers here follow.
  @Test(
    "begins to learn with the same bits as ever",
    .enabled(
      if: !BuildMode.isDebug && Tools.walkthrough != nil && TunedBackend.isSupported,
      "other processors have other bits"))
  func beginning() throws {
    let root = Tools.tests.deletingLastPathComponent()
    let script = try String(
      contentsOf: root.appending(path: "script/trained-mini"), encoding: .utf8)
    let command = try #require(script.firstMatch(of: /walkthrough\} (train [\s\S]*?) --output/)).1
    var arguments = command.replacing("\\\n", with: " ").split(separator: " ").map(String.init)
    let place = try #require(arguments.firstIndex(of: "--iterations"))
    arguments[place + 1] = "8"
    let folder = FileManager.default.temporaryDirectory.appending(path: "beginning-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = try #require(Tools.walkthrough)
    // As the script has it.
    let ended = try runProcess(
      URL(filePath: "/usr/bin/env"),
      ["OPENBLAS_CORETYPE=Haswell", program.path] + arguments
        + ["--test-images", "50", "--output", folder.path])
    #expect(ended.code == 0, "\(ended.errors)")
    let network = try Network(mini(), backend: FastBackend<Float>())
    try CaffeModel(contentsOf: folder.appending(path: "mini.caffemodel")).copy(into: network)
    #expect(network.parameterDigest == "829ceeb67d9f7864")
  }

  /// 500 pictures of each of two seeds, other than the one of training. Float's rounding differs between
  /// processors, but it moves no more than a picture or two that lie between two classes.
  @Test(
    "knows pictures that it has never seen", .enabled(if: !BuildMode.isDebug, "it takes minutes"),
    arguments: [1, 77] as [UInt32])
  func accuracy(seed: UInt32) throws {
    let result = try TrainedMini.test(TrainedMini.model(), seed: seed, batches: 10)
    #expect(result.accuracy >= 0.97, "\(result.accuracy)")
    for (label, row) in result.confusion.enumerated() {
      #expect(
        Double(row[label]) >= 0.85 * Double(row.reduce(0, +)), "\(TrainedMini.classNames[label])")
    }
  }

  @Test("says how it learnt")
  func history() throws {
    let history = try #require(try LivePage.History(TrainedMini.history()))
    #expect(history.iterations == FilterHistory.schedule(iterations: history.iterations.last ?? 0))
    #expect(history.iterations.count == 21 && history.iterations.first == 0)
    #expect(history.shape == [24, 3, 11, 11])
    #expect(history.losses.count > 50 && history.losses[0] > 1)
    #expect(try #require(history.losses.last) < 0.2)
    #expect(try #require(history.testAccuracies.last) > 0.97)
    // At the end the filters are those of the network, to within half a step of a byte.
    let weights = try #require(
      try TrainedNetwork(shipped: mini()).parameters.first?.first?.elements)
    let bytes = try #require(Data(base64Encoded: history.filters)).suffix(weights.count)
    let step = try #require(history.peaks.last) / 127
    for (byte, weight) in zip(bytes, weights) {
      #expect(abs((Float(byte) - 128) * step - weight) <= 0.501 * step)
    }
  }

  @Test("is what tour --network mini shows; --untrained shows random numbers")
  func tour() throws {
    let trained = try parse(["tour", "--network", "mini"], as: Tour.self).report()
    #expect(trained.weights.isTrained)
    let first = try #require(trained.predictions.first)
    #expect(first.name == SyntheticImages.classNames[trained.image.label])
    let plain = Terminal(width: 80, isStyled: false, isInteractive: false)
    let lines = TourText(report: trained, terminal: plain).summary()
    #expect(lines.contains { $0.contains(SyntheticImages.classNames[trained.image.label]) })
    #expect(!lines.contains { $0.contains("class ") })

    let arguments = ["tour", "--network", "mini", "--untrained"]
    let untrained = try parse(arguments, as: Tour.self).report()
    #expect(!untrained.weights.isTrained)
    #expect(untrained.weights.source == "random numbers from seed 1")
    #expect(throws: (any Error).self) {
      try Walkthrough.parseAsRoot(arguments + ["--weights", "mini.caffemodel"])
    }
  }

  @Test("is where an untrained tour sends its reader")
  func invitation() throws {
    let report = try parse(["tour", "--network", "mini", "--untrained"], as: Tour.self).report()
    let plain = Terminal(width: 200, isStyled: false, isInteractive: false)
    let text = TourText(report: report, terminal: plain).introduction().joined(separator: " ")
    #expect(text.contains("script/walkthrough tour --network mini"))
  }

  @Test(
    "classifies, is tested and dumped without being named", .enabled(if: Tools.walkthrough != nil))
  func commands() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "mini-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let program = try #require(Tools.walkthrough)
    let images = try SyntheticImages(seed: 5)
    let picture = folder.appending(path: "picture.png")
    try images.picture(0).writePNG(to: picture)
    let classified = try runProcess(program, ["classify", "--top", "1", picture.path])
    #expect(classified.code == 0, "\(classified.errors)")
    #expect(
      classified.output.contains { $0.hasSuffix(SyntheticImages.classNames[images.label(0)]) })

    let tested = try runProcess(program, ["test", "--iterations", "1", "--json"])
    #expect(tested.code == 0, "\(tested.errors)")
    #expect(tested.output.joined().contains("\"images\" : 50"))

    let fixtures = Tools.tests.appending(path: "Fixtures/caffe/tiny35")
    // The fixture's pictures have another size: the message names both.
    let refused = try runProcess(
      program,
      [
        "dump", "--input", fixtures.appending(path: "data.npy").path, "--output",
        folder.appending(path: "out.npz").path,
      ])
    #expect(refused.code != 0 && refused.errors.contains("3×99×99"), "\(refused.errors)")
  }

  @Test(
    "refuses what goes with a network of one's own only",
    arguments: [
      ["classify", "--net", "net.prototxt", "a.png"], ["test", "--net", "net.prototxt"],
      ["test", "--dataset", "db"], ["test", "--net", "n", "--weights", "w", "--seed", "1"],
      ["dump", "--net", "net.prototxt", "--input", "a.npy", "--output", "b.npz"],
      ["train", "--history", "h.npz", "--resume", "training"],
    ])
  func refusals(arguments: [String]) {
    #expect(throws: (any Error).self) { try Walkthrough.parseAsRoot(arguments) }
  }

  @Test("leaves out moments that a short run doesn't have")
  func schedule() {
    #expect(FilterHistory.schedule(iterations: 6000).suffix(2) == [5415, 6000])
    #expect(FilterHistory.schedule(iterations: 3) == [0, 1, 2, 3])
    #expect(FilterHistory.schedule(iterations: 0) == [0])
  }
}
