import CaffeFormats
import Foundation
import Layers
import Networks
import NumPyFiles
import ONNXFiles
import Reference
import TensorFiles
import Tensors
import Testing

@testable import NetworkFiles
@testable import walkthrough

private let fixtures = Tools.tests.appending(path: "Fixtures")

/// Networks and weights in files of other programs, as the commands take them.
@Suite("networks in other programs' files")
final class NetworkFileTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "networks-\(UUID())")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func fixture(_ path: String) -> String { fixtures.appending(path: path).path }

  private func write(_ name: String, _ array: NumPyArray?) throws -> String {
    let url = folder.appending(path: name)
    try #require(array).write(to: url)
    return url.path
  }

  private func run(_ arguments: [String]) throws {
    var command = try Walkthrough.parseAsRoot(arguments)
    try command.run()
  }

  private func dump(_ arguments: String...) throws -> NumPyArchive {
    let output = folder.appending(path: "out.npz")
    try run(["dump", "--output", output.path] + arguments)
    return try NumPyArchive(contentsOf: output)
  }

  private func refusal(_ arguments: String...) -> String {
    let error = #expect(throws: (any Error).self) { try run(arguments) }
    return error.map { Walkthrough.message(for: $0) } ?? ""
  }

  // MARK: - Graphs as they are

  /// The ONNX Model Zoo's layout: every value, by what is known of ONNX Runtime's.
  @Test(
    "dumps every value of a graph, under its node's place and name",
    arguments: [("reference", "double"), ("fast", "double"), ("fast", "float"), ("tuned", "float")])
  func zoo(version: String, precision: String) throws {
    struct Facts: Decodable {
      struct Layer: Decodable {
        var shape: [Int]
        var min, max, l2: Double
      }
      struct Case: Decodable {
        var name: String
        var layers: [String: Layer]?
      }
      var cases: [Case]
    }
    let facts = try JSONDecoder().decode(
      Facts.self, from: Data(contentsOf: fixtures.appending(path: "interop/nets/cases.json")))
    let layers = try #require(facts.cases.first { $0.name == "tiny_zoo_alexnet" }?.layers)
    var data = pixels("tiny_zoo_alexnet/data", Shape(1, 3, 87, 87))
    for (channel, mean) in [104, 117, 123].enumerated() {
      for i in channel * 87 * 87..<(channel + 1) * 87 * 87 { data.elements[i] -= Float(mean) }
    }
    let arrays = try dump(
      "--net", fixture("interop/nets/tiny_zoo_alexnet.onnx"), "--input",
      write("x.npy", NumPyArray(data)), "--version", version, "--precision", precision)
    #expect(arrays.names.count { $0.hasPrefix("top/") } == layers.count)
    for (value, expected) in layers {
      let name = try #require(arrays.names.first { $0.hasSuffix("/\(value)") })
      let tensor = try #require(arrays[name]).tensor(as: Double.self)
      #expect(tensor.shape.dimensions == expected.shape, "\(name)")
      // Eleven layers with weights of gain 1 hand the rounding of single precision on: 1e-5 in all.
      let scale = 1e-5 * max(abs(expected.min), abs(expected.max))
      #expect(abs((tensor.elements.min() ?? .nan) - expected.min) <= scale, "\(name)")
      #expect(abs((tensor.elements.max() ?? .nan) - expected.max) <= scale, "\(name)")
      #expect(abs(tensor.squaredNorm.squareRoot() - expected.l2) <= 1e-5 * expected.l2, "\(name)")
    }
  }

  @Test("agrees with Caffe on its own network as ONNX, in double precision")
  func caffe() throws {
    let tiny = fixture("caffe/tiny35")
    let input = ["--input", "\(tiny)/data.npy", "--precision", "double"]
    let graph = try dump(
      "--net", fixture("interop/nets/tiny35.onnx"), input[0], input[1], input[2], input[3])
    let caffe = try dump(
      "--net", "\(tiny)/net.prototxt", "--weights", "\(tiny)/weights.caffemodel", "--label",
      "\(tiny)/label.npy", input[0], input[1], input[2], input[3])
    let scores = try #require(graph.names.first { $0.hasSuffix("/fc3") })
    let (actual, expected) = (try #require(graph[scores]), try #require(caffe["top/08_fc3/fc3"]))
    let difference = actual.tensor(as: Double.self).largestDifference(to: expected.tensor())
    // LRN's alpha is 0.0001 of the graph and the Float nearest to it of Caffe's message: 2.5e-8 of it less,
    // and so, to the power of 0.75, up to 1.9e-8 of what is normalised.
    #expect(difference <= 1.9e-8 * expected.tensor(as: Double.self).largestMagnitude)
    // Before it, the same numbers in the same layers.
    let pooled = try #require(graph.names.first { $0.hasSuffix("/pool1") })
    let (one, other) = (try #require(graph[pooled]), try #require(caffe["top/03_pool1/pool1"]))
    let before = one.tensor(as: Double.self).largestDifference(to: other.tensor())
    #expect(before <= 1e-12 * other.tensor(as: Double.self).largestMagnitude)
  }

  @Test("takes several inputs by name, and says which are missing, unknown or of another shape")
  func inputs() throws {
    var net = NetworkDefinition(name: "sum", imageShape: [3])
    net.data = "a"
    net.otherInputs = [InputDefinition(name: "b", dimensions: [1, 3])]
    net.layers = [
      LayerDefinition(
        name: "add", specification: AddSpecification(), bottoms: ["a", "b"], top: "c")
    ]
    let file = folder.appending(path: "sum.onnx")
    try ONNXModel(net, parameters: [[]]).write(to: file)
    let row = NumPyArray(Tensor<Float>(Shape(1, 3), [1, 2, 3]))
    func input(_ names: String...) throws -> String {
      var arrays = NumPyArchive()
      for name in names { arrays[name] = row }
      try arrays.write(to: folder.appending(path: "in.npz"))
      return folder.appending(path: "in.npz").path
    }
    let sum = try dump("--net", file.path, "--input", input("a", "b"))
    #expect(sum["top/00_add/c"]?.tensor(as: Float.self).elements == [2, 4, 6])
    let start = ["dump", "--net", file.path, "--output", folder.appending(path: "no.npz").path]
    func refused(_ path: String, _ more: String...) -> String {
      let error = #expect(throws: (any Error).self) { try run(start + ["--input", path] + more) }
      return error.map { "\($0)" } ?? ""
    }
    #expect(try refused(input("a")).contains("input \"b\" is not given"))
    #expect(try refused(input("a", "b", "x")).contains("there is no input x; the inputs are a, b"))
    #expect(try refused(write("row.npy", row)).contains("input \"a\" is not given"))
    #expect(try refused(input("a", "b"), "--backward").contains("no loss"))
    #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "no.npz").path))
  }

  @Test("classifies by a graph as by Caffe's files of the same network")
  func classify() throws {
    let tiny = fixture("caffe/tiny35")
    let picture = fixtures.appending(path: "pictures/resized_64x64.png")
    func predictions(_ arguments: String...) throws -> [Float] {
      let command = try #require(
        try Walkthrough.parseAsRoot(["classify", picture.path] + arguments) as? Classify)
      let found = try command.classifier().predictions(for: picture, count: 10)
      return found.sorted { $0.index < $1.index }.map(\.probability)
    }
    let graph = try predictions("--net", fixture("interop/nets/tiny35.onnx"))
    let caffe = try predictions(
      "--net", "\(tiny)/net.prototxt", "--weights", "\(tiny)/weights.caffemodel")
    // Two graphs of the same layers in single precision.
    for (one, other) in zip(graph, caffe) { #expect(abs(one - other) <= 1e-5) }
    #expect(graph.count == 10 && caffe.count == 10)
    let tensors = folder.appending(path: "w.safetensors").path
    try run(["convert-weights", "\(tiny)/weights.caffemodel", tensors])
    #expect(try predictions("--net", "\(tiny)/net.prototxt", "--weights", tensors) == caffe)
  }

  @Test("tours a graph, and checks its layers")
  func tourAndCheck() throws {
    let net = fixture("interop/nets/tiny_zoo_alexnet.onnx")
    let tour = try #require(try Walkthrough.parseAsRoot(["tour", "--net", net]) as? Tour)
    let report = try tour.report()
    #expect(report.weights.source == "tiny_zoo_alexnet.onnx" && report.weights.isTrained)
    let agree = report.layers.allSatisfy(\.agrees)
    #expect(agree)
    #expect(report.layers.map(\.type).contains("Reshape"))
    #expect(report.predictions.count == 5)
    try run(["check", "--net", net, "--samples", "3"])
    #expect(refusal("check", "--net", net, "--end-to-end").contains("needs a loss"))
    #expect(refusal("check", "--net", net, "--network", "mini").contains("leave one out"))
  }

  // MARK: - Weights for networks that have a name

  /// mini's weights from a seed, as a file.
  private func mini() throws -> (path: String, network: Network<Float>) {
    let network = try Network(Networks.mini(), backend: ReferenceBackend<Float>(), seed: 9)
    let url = folder.appending(path: "learnt.caffemodel")
    try CaffeModel(of: network).write(to: url)
    return (url.path, network)
  }

  @Test("writes a network with its weights as a graph, which gives the same")
  func graphOfWeights() throws {
    let (path, network) = try mini()
    let (graph, tensors) = (
      folder.appending(path: "mini.onnx").path, folder.appending(path: "mini.safetensors").path
    )
    try run(["convert-weights", path, graph])
    try run(["convert-weights", graph, tensors, "--network", "mini"])
    let again = try WeightFile(contentsOf: URL(filePath: tensors))
    #expect(
      again.metadata == [
        "format": "pt", "network": "mini", "input": "BGR 0..255 minus 104,117,123 times 0.015625",
      ])
    #expect(try again.recognised().network == .mini)
    let parameters = try again.parameters(of: network.plan)
    #expect(parameters.map { $0.map { $0.tensor(as: Float.self) } } == network.parameters)

    let picture = try write(
      "x.npy", NumPyArray(pixels("picture", Shape(2, 3, 99, 99)).converted(to: Float.self)))
    let (one, other) = (
      try dump("--net", graph, "--input", picture),
      try dump("--network", "mini", "--weights", tensors, "--input", picture)
    )
    // The graph's nodes are the layers, and a Flatten; the network's first one is its input.
    let names = other.names.filter { $0.hasPrefix("top/") && !$0.hasPrefix("top/00_") }
    #expect(names.count == 22)
    for name in names {
      let layer = try #require(
        name.split(separator: "/")[1].split(separator: "_", maxSplits: 1).last)
      let match = one.names.first { $0.hasPrefix("top/") && $0.contains("_\(layer)/") }
      let key = try #require(match, "\(layer)")
      #expect(one[key]?.tensor(as: Float.self) == other[name]?.tensor(as: Float.self), "\(layer)")
    }
  }

  @Test("writes a graph anew, which gives the same")
  func graphAnew() throws {
    let net = fixture("interop/nets/tiny_zoo_alexnet.onnx")
    let again = folder.appending(path: "again.onnx").path
    try run(["convert-weights", net, again])
    let input = try write("x.npy", NumPyArray(pixels("x", Shape(1, 3, 87, 87))))
    let (one, other) = (
      try dump("--net", net, "--input", input), try dump("--net", again, "--input", input)
    )
    for name in one.names where name.hasPrefix("top/") {
      let value = try #require(name.split(separator: "/").last)
      let match = try #require(other.names.first { $0.hasSuffix("/\(value)") }, "\(value)")
      let (before, after) = (one[name], other[match])
      #expect(before?.tensor(as: Float.self) == after?.tensor(as: Float.self), "\(value)")
    }
  }

  @Test("tells networks apart by their layers' order, where names and shapes are the same")
  func recognition() throws {
    let zoo = try WeightFile(
      contentsOf: URL(filePath: fixture("interop/nets/light_alexnet.onnx")))
    let found = try zoo.recognised()
    #expect(found.network == .alexnet && found.doubt == nil)
    let tiny = try WeightFile(
      contentsOf: URL(filePath: fixture("caffe/tiny35/weights.caffemodel")))
    let error = #expect(throws: (any Error).self) { try tiny.recognised() }
    #expect(error.map { "\($0)" }?.contains("give theirs with --net") == true)
  }

  /// One small network of torchvision's names in four files, and as PyTorch's exporters write it.
  @Test("gives PyTorch's scores from each form of a file")
  func torchvisionInSmall() throws {
    let expected = try SafeTensors(
      contentsOf: URL(filePath: fixture("interop/nets/tiny_tv.safetensors"))
    ).tensors
    var definition = torchvision(classes: 10)
    let sizes = [
      "features.0": 4, "features.3": 6, "features.6": 8, "features.8": 6, "features.10": 6,
    ]
    for index in definition.layers.indices {
      let name = definition.layers[index].name
      if var layer = definition.layers[index].specification as? ConvolutionSpecification {
        layer.outputChannels = try #require(sizes[name])
        definition.layers[index].specification = layer
      } else if name == "classifier.1" || name == "classifier.4" {
        definition.layers[index].specification = InnerProductSpecification(outputs: 16)
      }
    }
    let golden = try NumPyArchive(
      contentsOf: URL(filePath: fixture("interop/nets/expected.npz")))
    let logits = try #require(golden["tiny_tv/224/logits"]).tensor(as: Float.self)
    var images = pixels("tiny_tv/data/224", Shape(2, 3, 224, 224))
    for plane in 0..<6 {
      let mean: Float = [0.485, 0.456, 0.406][plane % 3]
      let deviation: Float = [0.229, 0.224, 0.225][plane % 3]
      for i in plane * 224 * 224..<(plane + 1) * 224 * 224 {
        images.elements[i] = (images.elements[i] / 255 - mean) / deviation
      }
    }
    let plan = try NetworkPlan(definition)
    for name in [
      "tiny_tv.pth", "tiny_tv.safetensors", "tiny_tv_legacy.onnx", "tiny_tv_dynamo.onnx",
    ] {
      let file = try WeightFile(contentsOf: URL(filePath: fixture("interop/nets/\(name)")))
      let parameters = try file.parameters(of: plan)
      #expect(parameters.joined().count == expected.names.count)
      let network = try Network(
        definition, backend: ReferenceBackend<Float>(), batch: 2, gradients: .none, phase: .testing,
        parameters: parameters.map { $0.map { $0.tensor() } })
      try network.load(images: images, labels: [3, 7])
      try network.forward()
      let scores = try #require(network.blob("classifier.6"))
      // Eight layers in single precision.
      #expect(scores.largestDifference(to: logits) <= 1e-5 * logits.largestMagnitude, "\(name)")
    }
  }

  @Test("takes weights behind prefixes that wrappers write")
  func prefixes() throws {
    let (path, network) = try mini()
    let plain = try WeightFile(contentsOf: URL(filePath: path)).tensors()
    for prefix in ["module.", "model.", "net.module."] {
      var wrapped = NumPyArchive()
      for name in plain.names {
        let place = try #require(BlobPlace(name))
        wrapped[prefix + place.layer + [".weight", ".bias"][place.blob]] = plain[name]
      }
      let url = folder.appending(path: "wrapped.npz")
      try wrapped.write(to: url)
      let file = try WeightFile(contentsOf: url)
      #expect(try file.recognised().network == .mini)
      let parameters = try file.parameters(of: network.plan)
      #expect(parameters.map { $0.map { $0.tensor(as: Float.self) } } == network.parameters)
    }
  }

  @Test("says what a file is that isn't what its name says, and the way out")
  func otherThings() throws {
    let pointer = folder.appending(path: "a.caffemodel")
    try Data("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n".utf8)
      .write(to: pointer)
    let page = folder.appending(path: "b.caffemodel")
    try Data("<!DOCTYPE html><html>".utf8).write(to: page)
    for (path, message) in [
      (pointer.path, "Git LFS pointer"), (page.path, "HTML"),
      (fixture("interop/pth/bad_torchscript.pth"), "TorchScript"),
      (fixture("interop/pth/bad_lfs_pointer.pth"), "git lfs pull"),
    ] {
      let text = refusal("classify", "--weights", path, "cat.png")
      #expect(text.contains(message), "\(text)")
    }
    let swapped = refusal(
      "classify", "--net", fixture("caffe/tiny35/weights.caffemodel"), "--weights",
      fixture("caffe/tiny35/net.prototxt"), "cat.png")
    #expect(swapped.contains("net.prototxt: is a network (.prototxt)"), "\(swapped)")
    #expect(refusal("classify", "--network", "alexnet", "cat.png").contains("--weights is missing"))
    #expect(
      refusal("dump", "--net", "a.prototxt", "--input", "a", "--output", "b")
        .contains("--net needs --weights"))
  }
}

/// Numbers by formula: those of the golden files that are in no file.
///
/// The state of SplitMix64 is FNV-1a-64 of the tag; the top 8 bits are a pixel.
private func pixels(_ tag: String, _ shape: Shape) -> Tensor<Float> {
  let state = tag.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
    ($0 ^ UInt64($1)) &* 0x100_0000_01B3
  }
  var generator = SplitMix64(seed: state)
  return Tensor(shape, (0..<shape.count).map { _ in Float(generator.next() >> 56) })
}
