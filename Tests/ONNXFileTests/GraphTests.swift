import Foundation
import Layers
import NumPyFiles
import ONNXFiles
import ONNXMessages
import TensorFiles
import Tensors
import Testing

@Suite struct GraphTests {
  private static let nodes = Case.all("onnx/nodes")
  private static let invalid = Case.all("onnx/invalid")

  @Test func thereAreCases() {
    #expect(Self.nodes.count == 54)
    #expect(Self.invalid.count == 43)
  }

  /// Legal beyond what is asked: these are refused, and say why.
  private static let refused = [
    "conv_pads_uneven": "pads before [0, 0] and after [1, 2] differ",
    "average_pad_not_counted": "count_include_pad",
    "softmax_4d_11": "axis 1 of 2×3×2×2 in opset 11",
    "softmax_4d_13_default": "axis -1 of 2×3×2×2 in opset 13",
  ]

  @Test(arguments: nodes)
  func givesWhatONNXRuntimeGives(test: Case) throws {
    let url = fixture("onnx/nodes/\(test.file ?? "")")
    let golden = try NumPyArchive(contentsOf: fixture("onnx/nodes/io.npz"))
    for (number, run) in (test.runs ?? []).enumerated() {
      let shapes = try run.inputs.mapValues { try Shape(checking: $0) }
      if let reason = Self.refused[test.name] {
        #expect(test.support == "optional")
        let error = #expect(throws: TensorFileError.self) {
          try ONNXGraph(ONNXModel(contentsOf: url), shapes: shapes)
        }
        #expect(error.map { "\($0)" }?.contains(reason) == true, "\(error.map { "\($0)" } ?? "")")
        continue
      }
      let graph = try ONNXGraph(ONNXModel(contentsOf: url), shapes: shapes)
      #expect(Set(graph.inputs.map(\.name)) == Set(run.inputs.keys))
      var inputs: [String: Tensor<Float>] = [:]
      for name in run.inputs.keys {
        inputs[name] = golden["\(test.name)/\(number)/in/\(name)"]?.tensor(as: Float.self)
      }
      let values = try ONNXFileTests.run(graph, inputs)
      for name in run.outputs.keys {
        let expected = try #require(golden["\(test.name)/\(number)/out/\(name)"])
        // Its own numbers are within 4.3e-7 of those in double precision, and so are ours.
        expectClose(
          try #require(values[name]), expected.tensor(), within: 1e-6, "\(test.name) \(name)")
      }
    }
  }

  @Test(arguments: invalid)
  func refusesWhatIsInvalid(test: Case) {
    let clock = ContinuousClock()
    let start = clock.now
    let error = #expect(throws: TensorFileError.self) {
      try ONNXGraph(ONNXModel(contentsOf: fixture("onnx/invalid/\(test.file ?? "")")))
    }
    // Milliseconds; what some claim would take hours.
    #expect(clock.now - start < .seconds(5))
    let text = error.map { "\($0)" } ?? ""
    for name in test.messageShouldName ?? [] { #expect(text.contains(name), "\(text)") }
    #expect(error?.file.hasSuffix(test.file ?? "") == true)
  }

  // MARK: - Whole networks

  @Test func runsCaffesNetworkAsONNX() throws {
    let graph = try ONNXGraph(
      ONNXModel(contentsOf: fixture("nets/tiny35.onnx")), shapes: ["data": Shape(4, 3, 35, 35)])
    let golden = try NumPyArchive(contentsOf: fixture("nets/expected.npz"))
    let data = try #require(golden["tiny35/data"]?.tensor(as: Float.self))
    let values = try run(graph, ["data": data])
    for name in ["fc3", "prob"] {
      let expected = try #require(golden["tiny35/\(name)"]?.tensor(as: Float.self))
      // Two programs in single precision, each within 1e-6 of the truth.
      expectClose(try #require(values[name]), expected, within: 2e-6, name)
    }
  }

  @Test func runsTheModelZoosLayout() throws {
    let graph = try ONNXGraph(ONNXModel(contentsOf: fixture("nets/tiny_zoo_alexnet.onnx")))
    #expect(graph.inputs == [graph.operations[0].input])
    #expect(graph.inputs[0].name == "data_0")
    let golden = try NumPyArchive(contentsOf: fixture("nets/expected.npz"))
    var data = pixels("tiny_zoo_alexnet/data", Shape(1, 3, 87, 87))
    for (channel, mean) in [104, 117, 123].enumerated() {
      for i in channel * 87 * 87..<(channel + 1) * 87 * 87 { data.elements[i] -= Float(mean) }
    }
    let values = try run(graph, ["data_0": data])
    for name in ["pool5_1", "fc8_1", "prob_1"] {
      let expected = try #require(golden["tiny_zoo_alexnet/\(name)"]?.tensor(as: Float.self))
      // Eleven layers with weights of gain 1 hand the rounding on: two programs, 1e-5 in all.
      expectClose(try #require(values[name]), expected, within: 1e-5, name)
    }
  }

  /// 4 kB that unfold to 244 MB, each number by ConstantOfShape.
  @Test func unfoldsTheFullSizeNetwork() throws {
    let graph = try ONNXGraph(ONNXModel(contentsOf: fixture("nets/light_alexnet.onnx")))
    let shapes = Dictionary(
      graph.operations.map { ($0.output.name, $0.output.shape.dimensions) }
    ) { first, _ in first }
    // The zoo's 54, 26, 12, 6, which are neither those of Caffe at 227 nor at 224.
    #expect(shapes["conv1_1"] == [1, 96, 54, 54])
    #expect(shapes["pool1_1"] == [1, 96, 26, 26])
    #expect(shapes["pool2_1"] == [1, 256, 12, 12])
    #expect(shapes["pool5_1"] == [1, 256, 6, 6])
    #expect(graph.outputs.map(\.shape) == [Shape(1, 1000)])
    let count = graph.operations.flatMap(\.parameters).reduce(0) { $0 + $1.shape.count }
    #expect(count == 60_965_224)
  }

  @Test(arguments: ["tiny_tv_dynamo", "tiny_tv_legacy"])
  func runsWhatPyTorchExports(name: String) throws {
    let graph = try ONNXGraph(ONNXModel(contentsOf: fixture("nets/\(name).onnx")))
    let golden = try NumPyArchive(contentsOf: fixture("nets/expected.npz"))
    var data = pixels("tiny_tv/data/224", Shape(2, 3, 224, 224))
    for channel in 0..<6 {
      let mean: Float = [0.485, 0.456, 0.406][channel % 3]
      let deviation: Float = [0.229, 0.224, 0.225][channel % 3]
      for i in channel * 224 * 224..<(channel + 1) * 224 * 224 {
        data.elements[i] = (data.elements[i] / 255 - mean) / deviation
      }
    }
    let first = Tensor(Shape(1, 3, 224, 224), Array(data.elements[..<(3 * 224 * 224)]))
    let values = try run(graph, [graph.inputs[0].name: first])
    let expected = try #require(golden["\(name)/logits"]?.tensor(as: Float.self))
    let output = try #require(graph.outputs.first)
    expectClose(try #require(values[output.name]), expected, within: 1e-5, name)
  }
}
