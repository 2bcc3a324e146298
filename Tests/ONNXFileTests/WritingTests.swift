import Foundation
import Layers
import NumPyFiles
import ONNXFiles
import TensorFiles
import TestTools
import Tensors
import Testing

private let runtimeIsPresent = Python.withLibraries.has("onnx, onnxruntime")

@Suite final class WritingTests {
  private let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).onnx")

  deinit { try? FileManager.default.removeItem(at: file) }

  private static let x = ONNXGraph.Value(name: "x", shape: Shape(2, 4, 9, 9))

  /// A network with every kind of layer.
  private func graph() throws -> ONNXGraph {
    var generator = SplitMix64(seed: 1)
    var operations: [ONNXGraph.Operation] = []
    func add(_ kind: ONNXGraph.Kind, _ layer: some SingleInputSpecification) throws {
      let input = operations.last?.output ?? Self.x
      let parameters = try layer.parameters(for: input.shape).map { parameter in
        NumPyArray(
          Tensor<Float>(
            parameter.shape,
            (0..<parameter.shape.count).map { _ in Float(generator.nextUniform() - 0.5) }))
      }
      let index = operations.count
      operations.append(
        ONNXGraph.Operation(
          index: index, name: "layer\(index)", kind: kind, input: input,
          output: .init(name: "value\(index)", shape: try layer.outputShape(for: input.shape)),
          parameters: parameters))
    }
    let convolution = ConvolutionSpecification(
      outputChannels: 6, kernel: 3, stride: 1, pad: 2, dilation: 2, group: 2)
    try add(.convolution(convolution), convolution)
    try add(.relu(ReLUSpecification()), ReLUSpecification())
    let lrn = LRNSpecification(localSize: 3, alpha: 0.5, beta: 0.75, k: 2)
    try add(.lrn(lrn), lrn)
    let maximum = PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1)
    try add(.pooling(maximum), maximum)
    let average = PoolingSpecification(.average, kernel: 3, stride: 2, pad: 1)
    try add(.pooling(average), average)
    let plain = ConvolutionSpecification(outputChannels: 5, kernel: 2, hasBias: false)
    try add(.convolution(plain), plain)
    let product = InnerProductSpecification(outputs: 7)
    try add(.innerProduct(product), product)
    try add(.dropout(DropoutSpecification(ratio: 0.25)), DropoutSpecification(ratio: 0.25))
    let last = InnerProductSpecification(outputs: 3, hasBias: false)
    try add(.innerProduct(last), last)
    try add(.softmax(SoftmaxSpecification()), SoftmaxSpecification())
    return ONNXGraph(
      inputs: [Self.x], operations: operations, outputs: [try #require(operations.last).output])
  }

  @Test func readsWhatItWrites() throws {
    let graph = try graph()
    try ONNXModel(graph, name: "small").write(to: file)
    let again = try ONNXGraph(ONNXModel(contentsOf: file), shapes: ["x": Self.x.shape])
    #expect(again.inputs == graph.inputs)
    #expect(again.outputs == graph.outputs)
    // The inner product of a picture has a node of its own that makes vectors of them.
    let kept = again.operations.filter { $0.kind != .view }
    #expect(again.operations.count == kept.count + 1)
    #expect(kept.map(\.name) == graph.operations.map(\.name))
    #expect(kept.map(\.kind) == graph.operations.map(\.kind))
    #expect(kept.map(\.parameters) == graph.operations.map(\.parameters))
    #expect(kept.map(\.output) == graph.operations.map(\.output))
    // Netron knows the file by these: IR version, then the producer's name.
    #expect(try Data(contentsOf: file).prefix(3) == Data([0x08, 0x08, 0x12]))
  }

  @Test(.enabled(if: runtimeIsPresent, "script/python has not installed onnx and onnxruntime"))
  func onnxRuntimeGivesTheSame() throws {
    let graph = try graph()
    try ONNXModel(graph, name: "small").write(to: file)
    var generator = SplitMix64(seed: 2)
    let x = Tensor<Float>(
      Self.x.shape, (0..<Self.x.shape.count).map { _ in Float(generator.nextUniform() - 0.5) })
    let (data, result) = (file.path + ".npy", file.path + ".y.npy")
    defer { for path in [data, result] { try? FileManager.default.removeItem(atPath: path) } }
    try NumPyArray(x).write(to: URL(filePath: data))
    let program = """
      import sys, numpy, onnx, onnxruntime
      onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
      session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
      numpy.save(sys.argv[3], session.run(None, {"x": numpy.load(sys.argv[2])})[0])
      """
    #expect(Python.withLibraries.output(of: program, file.path, data, result) != nil)
    let values = try run(graph, ["x": x])
    let expected = try NumPyArray(contentsOf: URL(filePath: result)).tensor(as: Float.self)
    // Ten layers in single precision, each within some 1e-7.
    expectClose(try #require(values["value9"]), expected, within: 1e-6, "y")
  }

  @Test func refusesWhatONNXLacks() throws {
    func refusal(_ kind: ONNXGraph.Kind, name: String = "a", output: String = "y") -> String {
      let operation = ONNXGraph.Operation(
        index: 0, name: name, kind: kind, input: Self.x,
        output: .init(name: output, shape: Self.x.shape))
      let graph = ONNXGraph(inputs: [Self.x], operations: [operation], outputs: [])
      let error = #expect(throws: TensorFileError.self) { try ONNXModel(graph, name: "g") }
      return error.map { "\($0)" } ?? ""
    }
    let within = LRNSpecification(region: .withinChannel)
    #expect(refusal(.lrn(within)).contains("within a channel"))
    let product = InnerProductSpecification(outputs: 1, axis: 2)
    #expect(refusal(.innerProduct(product)).contains("starts at axis 1"))
    #expect(refusal(.view, name: "").contains("a node has no name"))
    #expect(refusal(.view, output: "x").contains("its value \"x\" has no name, or one"))
    let error = #expect(throws: TensorFileError.self) {
      try ONNXModel(graph(), name: "g").write(to: URL(filePath: "/nowhere/a.onnx"))
    }
    #expect(error?.file == "/nowhere/a.onnx")
  }
}
