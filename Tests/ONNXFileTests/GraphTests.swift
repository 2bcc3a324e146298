import Foundation
import Fast
import Layers
import Networks
import NumPyFiles
import ONNXFiles
import ONNXMessages
import Reference
import TensorFiles
import Tensors
import Testing
import Tuned

@Suite struct GraphTests {
  private static let nodes = Case.all("onnx/nodes")
  private static let invalid = Case.all("onnx/invalid")

  @Test func thereAreCases() {
    #expect(Self.nodes.count == 54)
    #expect(Self.invalid.count == 43)
  }

  /// On Reference in both precisions, on Fast and on Tuned, all 54 cases.
  @Test(arguments: nodes)
  func givesWhatONNXRuntimeGives(test: Case) throws {
    let url = fixture("onnx/nodes/\(test.file ?? "")")
    let golden = try NumPyArchive(contentsOf: fixture("onnx/nodes/io.npz"))
    for (number, run) in (test.runs ?? []).enumerated() {
      let shapes = try run.inputs.mapValues { try Shape(checking: $0) }
      let graph = try ONNXNetwork(ONNXModel(contentsOf: url), shapes: shapes)
      #expect([graph.definition.data] == Array(run.inputs.keys))
      #expect(Set(graph.outputs) == Set(run.outputs.keys))
      func check<Scalar>(_ backend: some Backend<Scalar>) throws {
        let inputs: [String: Tensor<Scalar>] = run.inputs.keys.reduce(into: [:]) {
          $0[$1] = golden["\(test.name)/\(number)/in/\($1)"]?.tensor()
        }
        let values = try ONNXFileTests.run(graph, inputs, on: backend)
        for name in run.outputs.keys {
          let expected = try #require(golden["\(test.name)/\(number)/out/\(name)"])
          // Its own numbers are within 4.3e-7 of those in double precision, and so are ours.
          expectClose(
            try #require(values[name]), expected.tensor(), within: 1e-6, "\(test.name) \(name)")
        }
      }
      try check(ReferenceBackend<Float>())
      try check(ReferenceBackend<Double>())
      try check(FastBackend<Float>())
      try check(FastBackend<Double>())
      try check(TunedBackend())
    }
  }

  @Test(arguments: invalid)
  func refusesWhatIsInvalid(test: Case) {
    let clock = ContinuousClock()
    let start = clock.now
    let error = #expect(throws: TensorFileError.self) {
      try ONNXNetwork(ONNXModel(contentsOf: fixture("onnx/invalid/\(test.file ?? "")")))
    }
    // Milliseconds; what some claim would take hours.
    #expect(clock.now - start < .seconds(5))
    let text = error.map { "\($0)" } ?? ""
    for name in test.messageShouldName ?? [] { #expect(text.contains(name), "\(text)") }
    #expect(error?.path.hasSuffix(test.file ?? "") == true)
  }

  // MARK: - Whole networks

  @Test func runsCaffesNetworkAsONNX() throws {
    let graph = try ONNXNetwork(
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
    let graph = try ONNXNetwork(ONNXModel(contentsOf: fixture("nets/tiny_zoo_alexnet.onnx")))
    #expect(graph.definition.data == "data_0")
    #expect(graph.definition.otherInputs.isEmpty)
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
    let graph = try ONNXNetwork(ONNXModel(contentsOf: fixture("nets/light_alexnet.onnx")))
    let shapes = Dictionary(
      try NetworkPlan(graph.definition).blobs.map { ($0.name, $0.shape.dimensions) }
    ) { first, _ in first }
    // The zoo's 54, 26, 12, 6, which are neither those of Caffe at 227 nor at 224.
    #expect(shapes["conv1_1"] == [1, 96, 54, 54])
    #expect(shapes["pool1_1"] == [1, 96, 26, 26])
    #expect(shapes["pool2_1"] == [1, 256, 12, 12])
    #expect(shapes["pool5_1"] == [1, 256, 6, 6])
    #expect(graph.outputs == ["prob_1"])
    #expect(shapes["prob_1"] == [1, 1000])
    let count = graph.parameters.joined().reduce(0) { $0 + $1.shape.count }
    #expect(count == 60_965_224)
  }

  @Test(arguments: ["tiny_tv_dynamo", "tiny_tv_legacy"])
  func runsWhatPyTorchExports(name: String) throws {
    let graph = try ONNXNetwork(ONNXModel(contentsOf: fixture("nets/\(name).onnx")))
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
    let values = try run(graph, [graph.definition.data: first])
    let expected = try #require(golden["\(name)/logits"]?.tensor(as: Float.self))
    let output = try #require(graph.outputs.first)
    expectClose(try #require(values[output]), expected, within: 1e-5, name)
  }

  // MARK: - What the cases don't have

  /// A graph's text as a model: nodes, then the shapes of inputs and initializers.
  private func model(
    _ nodes: [(String, [String], String, [Onnx_AttributeProto])], opset: Int64 = 13,
    inputs: [String: [Int64]], initializers: [String: NumPyArray] = [:]
  ) throws -> ONNXModel {
    var message = Onnx_ModelProto()
    message.irVersion = 8
    message.opsetImport = [Onnx_OperatorSetIdProto.with { $0.version = opset }]
    for (name, extents) in inputs.sorted(by: { $0.key < $1.key }) {
      message.graph.input.append(
        .with {
          $0.name = name
          $0.type.tensorType.elemType = 1
          $0.type.tensorType.shape.dim = extents.map { extent in .with { $0.dimValue = extent } }
        })
    }
    for (name, array) in initializers {
      message.graph.initializer.append(
        .with {
          $0.name = name
          $0.dims = array.shape.dimensions.map(Int64.init)
          $0.dataType = array.elementType == .int64 ? 7 : 1
          $0.rawData = Data(array.bytes)
        })
    }
    for (type, takes, makes, attributes) in nodes {
      message.graph.node.append(
        .with {
          ($0.opType, $0.input, $0.output, $0.attribute) = (type, takes, [makes], attributes)
        })
    }
    message.graph.output = [.with { $0.name = nodes.last?.2 ?? "" }]
    return try ONNXModel(decoding: try message.serializedBytes())
  }

  private func integers(_ name: String, _ numbers: [Int64]) -> Onnx_AttributeProto {
    .with { ($0.name, $0.type, $0.ints) = (name, .ints, numbers) }
  }

  private func ramp(_ extents: Int...) throws -> Tensor<Float> {
    let shape = try Shape(checking: extents)
    return Tensor(shape, (0..<shape.count).map { Float(($0 * 7) % 11) - 4 })
  }

  @Test func addsValuesOfTwoInputs() throws {
    let graph = try ONNXNetwork(
      model(
        [("Add", ["a", "b"], "c", []), ("Relu", ["c"], "y", [])],
        inputs: ["a": [2, 3, 1], "b": [3, 4]]))
    #expect(graph.definition.otherInputs.map(\.name) == ["b"])
    let (a, b) = (try ramp(2, 3, 1), try ramp(3, 4))
    let y = try #require(try run(graph, ["a": a, "b": b])["y"])
    #expect(y.shape == Shape(2, 3, 4))
    for i in 0..<24 { #expect(y[i] == max(a[i / 4] + b[i % 12], 0)) }
  }

  @Test func addsRowsToAProduct() throws {
    let weights = NumPyArray(try ramp(2, 2))
    let rows = NumPyArray(try ramp(3, 2))
    let graph = try ONNXNetwork(
      model(
        [("Gemm", ["x", "w", "c"], "y", [])], inputs: ["x": [3, 2]],
        initializers: ["w": weights, "c": rows]))
    #expect(graph.origins.map(\.isWhole) == [false, true])
    let x = try ramp(3, 2)
    let y = try #require(try run(graph, ["x": x])["y"])
    // w turned: [-4, 3; -1, 6] takes the rows of x to x·w.
    for row in 0..<3 {
      for column in 0..<2 {
        let w = try ramp(2, 2)
        let product = x[2 * row] * w[column] + x[2 * row + 1] * w[2 + column]
        #expect(y[2 * row + column] == product + (try ramp(3, 2))[2 * row + column])
      }
    }
  }

  /// A fixed number of images in a view is the file's; the network takes any.
  @Test func takesMoreImagesThanAViewSays() throws {
    let graph = try ONNXNetwork(
      model(
        [("Reshape", ["x", "s"], "y", [])], inputs: ["x": [1, 2, 3, 1]],
        initializers: ["s": NumPyArray([1, 6])]))
    #expect(try run(graph, ["x": ramp(4, 2, 3, 1)])["y"]?.shape == Shape(4, 6))
    let error = #expect(throws: TensorFileError.self) {
      try ONNXNetwork(
        model(
          [("Reshape", ["x", "s"], "y", [])], inputs: ["x": [4, 6]],
          initializers: ["s": NumPyArray([4, 3])]))
    }
    #expect(error?.problem.contains("12 numbers (4×3) can't be made of 24 (4×6)") == true)
  }

  @Test func poolsWithHolesAndUnevenPads() throws {
    let graph = try ONNXNetwork(
      model(
        [
          (
            "MaxPool", ["x"], "y",
            [
              integers("kernel_shape", [2, 2]), integers("dilations", [2, 1]),
              integers("pads", [0, 1, 1, 0]),
            ]
          )
        ], inputs: ["x": [1, 1, 3, 3]]))
    let x = Tensor<Float>(Shape(1, 1, 3, 3), [1, -2, 3, -4, 5, -6, 7, -8, 9])
    // Rows y and y + 2, columns x − 1 and x.
    let y = try #require(try run(graph, ["x": x])["y"])
    #expect(y == Tensor(Shape(1, 1, 2, 3), [7, 7, 9, -4, 5, 5]))
  }

  @Test func refusesWhatAddAndPadCannot() throws {
    func refusal(
      _ node: (String, [String], String, [Onnx_AttributeProto]), opset: Int64 = 13,
      _ inputs: [String: [Int64]], _ initializers: [String: NumPyArray] = [:]
    ) -> String {
      let error = #expect(throws: TensorFileError.self) {
        try ONNXNetwork(
          model([node], opset: opset, inputs: inputs, initializers: initializers))
      }
      return error.map { "\($0)" } ?? ""
    }
    let sum = ("Add", ["a", "b"], "y", [Onnx_AttributeProto]())
    #expect(refusal(sum, ["a": [2, 3], "b": [2, 2]]).contains("2×3 and 2×2 can't be added"))
    #expect(refusal(sum, opset: 6, ["a": [2, 3], "b": [3]]).contains("broadcast is not 1"))
    #expect(
      refusal(("Pad", ["x", "p"], "y", []), ["x": [1, 1, 2, 2]], ["p": NumPyArray([0, 1])])
        .contains("pads by [0, 1]"))
    #expect(
      refusal(
        (
          "MaxPool", ["x"], "y",
          [integers("kernel_shape", [2, 2]), integers("pads", [2, 0, 0, 0])]
        ), ["x": [1, 1, 4, 4]]
      ).contains("pad 2 in rows must be less than a window"))
    let negative: [Int64] = [1, 1]
    #expect(
      refusal(
        ("Softmax", ["x"], "y", [.with { ($0.name, $0.type, $0.i) = ("axis", .int, 5) }]),
        ["x": negative]
      ).contains("axis 5 is none of 1×1"))
  }
}
