import CaffeFormats
import CaffeTools
import Datasets
import Fast
import Foundation
import Networks
import NumPyFiles
import Tensors
import Testing

@testable import walkthrough

private let caffe = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "Fixtures/caffe")

/// The weights from which Caffe's ten steps started, and those of the network without a Data layer.
private let initial = caffe.appending(path: "sgd_blobs/init.caffemodel")
private let tiny = caffe.appending(path: "tiny35/weights.caffemodel")

@Suite("walkthrough test")
struct TestNetworkTests {
  @Test("finds the loss that Caffe has before its first step, as the mean of its batches")
  func loss() throws {
    struct Losses: Decodable {
      var losses: [Float]
      enum CodingKeys: String, CodingKey { case losses = "loss_before_each_update" }
    }
    let golden = try JSONDecoder().decode(
      Losses.self, from: Data(contentsOf: caffe.appending(path: "sgd_blobs/losses.json")))
    let workshop = try Workshop()
    let test = try NetworkTest(
      net: workshop.folder.appending(path: "net.prototxt"), weights: initial, iterations: 3)
    #expect(test.batch == 4 && test.records == 4 && test.iterations == 3)
    var batches: [[NetworkTest.Output]] = []
    let means = try test.run { number, outputs in
      #expect(number == batches.count)
      batches.append(outputs)
    }
    #expect(means.map(\.name) == ["accuracy", "loss"] && means.map(\.lossWeight) == [0, 1])
    // Each batch is all four records. Caffe's sums are added in another order.
    #expect(batches == [batches[0], batches[0], batches[0]])
    #expect(abs(means[1].value - golden.losses[0]) <= 1e-5 * golden.losses[0])
    #expect(means.loss == means[1].value)
    // Of four images, 0, 1, 2, 3 or 4 are right; three equal numbers have them as their mean.
    #expect(means[0].value == batches[0][0].value)
    #expect([0, 0.25, 0.5, 0.75, 1].contains(means[0].value))
  }

  @Test("says what a training run's tests say of the same network")
  func solver() throws {
    let workshop = try Workshop()
    let lines = try workshop.solve("test_iter: 2 test_interval: 5")
    let first = try #require(lines.firstIndex { $0.contains("Testing net") })
    let tests = try NetworkTest.nets(
      ofSolver: workshop.folder.appending(path: "solver.prototxt"), weights: initial)
    let means = try #require(tests.first).run()
    #expect(tests.count == 1 && tests[0].iterations == 2)
    for (number, output) in means.enumerated() {
      #expect(lines[first + 1 + number] == "    Test net output #\(number): \(output)")
    }
    // At the end, of the weights that the run left.
    let last = try #require(lines.lastIndex { $0.contains("Testing net") })
    let trained = try NetworkTest.nets(
      ofSolver: workshop.folder.appending(path: "solver.prototxt"),
      weights: workshop.folder.appending(path: "snap_iter_10.caffemodel"), iterations: 1)
    #expect(
      try trained[0].run().map { "\($0)" }
        == lines[last + 1...last + 2].map { String($0.split(separator: ": ", maxSplits: 1)[1]) })
  }

  @Test("feeds a network without a Data layer, and measures scores where it measures nothing")
  func otherDatabase() throws {
    let workshop = try Workshop()
    let database = workshop.folder.appending(path: "db").path
    let net = caffe.appending(path: "tiny35/net.prototxt")
    let test = try NetworkTest(
      net: net, weights: tiny, dataset: database, preparation: .init(scale: 1 / 64))
    let means = try test.run()

    // The same by hand.
    let records = try DatumDatabase(database)
    let definition = try NetPrototxt(contentsOf: net).network(phase: .testing).definition
    let network = try Network(
      definition, backend: FastBackend<Float>(), batch: 4, gradients: .none, phase: .testing)
    _ = try CaffeModel(contentsOf: tiny).copy(into: network)
    var images = Tensor<Float>(Shape(4, 3, 35, 35))
    for image in 0..<4 {
      guard case .floats(let values) = try records.datum(image).values else {
        Issue.record("no floats")
        continue
      }
      for (index, value) in values.enumerated() {
        let mean: [Float] = [104, 117, 123]
        images[image, index / 1225, index / 35 % 35, index % 35] =
          (value - mean[index / 1225]) * (1 / 64)
      }
    }
    let labels = try (0..<4).map { try records.datum($0).label }
    try network.load(images: images, labels: labels)
    let loss = try network.forward()
    #expect(
      means.map(\.description) == [
        "loss = \(NetworkTest.number(loss)) (* 1 = \(NetworkTest.number(loss)) loss)"
      ])
    #expect(means[0].value == loss)
    let scores = try #require(network.blob("fc3"))
    let right = (0..<4).count { image in
      let row = Array(scores.elements[image * 10..<(image + 1) * 10])
      return row.firstIndex(of: row.max() ?? 0) == labels[image]
    }

    // Without its loss, as a deploy.prototxt is; with a softmax in the end and without one.
    let text = try String(contentsOf: net, encoding: .utf8)
    let end = try #require(text.range(of: "layer { name: \"loss\""))
    let softmax = "layer { name: \"prob\" type: \"Softmax\" bottom: \"fc3\" top: \"prob\" }"
    for last in [softmax, ""] {
      let deploy = try workshop.file("deploy.prototxt", text[..<end.lowerBound] + last)
      let outputs = try NetworkTest(
        net: deploy, weights: tiny, dataset: database, preparation: .init(scale: 1 / 64)
      ).run()
      #expect(outputs.map(\.name) == ["accuracy", "loss"])
      #expect(outputs[0].value == Float(right) / 4)
      #expect(outputs[1].value == loss)
    }
  }

  @Test(
    "prints Caffe's lines, and JSON for programs", .enabled(if: Tools.walkthrough != nil))
  func command() throws {
    let workshop = try Workshop()
    let net = workshop.folder.appending(path: "net.prototxt").path
    let program = try #require(Tools.walkthrough)
    let options = ["test", "--net", net, "--weights", initial.path]
    let ended = try runProcess(program, options + ["--iterations", "2"])
    #expect(ended.code == 0, "\(ended.errors)")
    let means = try NetworkTest(net: URL(filePath: net), weights: initial).run()
    let (accuracy, loss) = (
      NetworkTest.number(means[0].value), NetworkTest.number(means[1].value)
    )
    #expect(
      ended.output == [
        "Running for 2 iterations.", "Batch 0, accuracy = \(accuracy)", "Batch 0, loss = \(loss)",
        "Batch 1, accuracy = \(accuracy)", "Batch 1, loss = \(loss)", "Loss: \(loss)",
        "accuracy = \(accuracy)", "loss = \(loss) (* 1 = \(loss) loss)",
      ])

    struct Row: Decodable {
      struct Output: Decodable {
        var name: String
        var value: Float
        var lossWeight: Float
      }
      var iterations, images, records: Int
      var loss: Float
      var outputs: [Output]
    }
    let json = try runProcess(program, options + ["--json"])
    let rows = try JSONDecoder().decode(
      [Row].self, from: Data(json.output.joined(separator: "\n").utf8))
    #expect(rows.map { [$0.iterations, $0.images, $0.records] } == [[1, 4, 4]])
    #expect(rows[0].loss == means.loss)
    #expect(rows[0].outputs.map(\.value) == means.map(\.value))
  }

  @Test("says what it can't test")
  func refusals() throws {
    let workshop = try Workshop()
    func problem(_ body: () throws -> Void) -> String {
      let error = #expect(throws: CaffeFileError.self) { try body() }
      return error?.description ?? ""
    }
    let net = caffe.appending(path: "tiny35/net.prototxt")
    #expect(
      problem { _ = try NetworkTest(net: net, weights: tiny) }
        .hasSuffix(
          "nothing fills blob \"data\" when testing: training needs a Data layer, a test that or a "
            + "database beside the network"))
    let other = try workshop.file(
      "other.prototxt",
      String(contentsOf: net, encoding: .utf8).replacing("\"fc3\"", with: "\"fc9\""))
    let database = workshop.folder.appending(path: "db").path
    #expect(
      problem { _ = try NetworkTest(net: other, weights: tiny, dataset: database) }
        .hasSuffix("has no weights for fc9 of TinyCaffeNet: layers are matched by name"))
    let wide = try workshop.file(
      "wide.prototxt",
      String(contentsOf: net, encoding: .utf8).replacing("dim: 35 dim: 35", with: "dim: 35 dim: 36")
    )
    #expect(
      problem { _ = try NetworkTest(net: wide, weights: tiny, dataset: database) }
        .hasSuffix("takes 3×35×36 numbers an image; a database needs a network for square pictures")
    )
    let fed = workshop.folder.appending(path: "net.prototxt")
    #expect(
      problem { _ = try NetworkTest(net: fed, weights: initial, preparation: .init(scale: 2)) }
        .hasSuffix("give neither mean nor scale beside it"))
    let solver = try workshop.solver()
    #expect(
      problem { _ = try NetworkTest.nets(ofSolver: solver, weights: initial) }
        .hasSuffix("has no test net: a test_iter for each is missing"))
    let files = ["--weights", "w"]
    for wrong in [
      files + ["--net", "n", "--solver", "s"], ["--net", "n"], ["--dataset", "d"],
      files + ["--net", "n", "--iterations", "0"], files + ["--solver", "s", "--dataset", "d"],
      files + ["--net", "n", "--input-scale", "inf"],
    ] {
      #expect(throws: (any Error).self) { try Walkthrough.parseAsRoot(["test"] + wrong) }
    }
  }
}
