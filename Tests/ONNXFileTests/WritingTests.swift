import Foundation
import Layers
import Networks
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

  /// A network with every kind of layer, one of them in place, and its parameters.
  private func network() throws -> (definition: NetworkDefinition, parameters: [[NumPyArray]]) {
    var net = NetworkBuilder(name: "small", channels: 4, height: 9, width: 9)
    let conv1 = net.add(
      "conv1",
      ConvolutionSpecification(
        outputChannels: 6, kernel: 3, stride: 1, pad: 2, dilation: 2, group: 2), net.data)
    let relu1 = net.relu("relu1", conv1)
    let norm1 = net.add(
      "norm1", LRNSpecification(localSize: 3, alpha: 0.5, beta: 0.75, k: 2), relu1)
    let pool1 = net.add(
      "pool1", PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1), norm1)
    let pool2 = net.add(
      "pool2", PoolingSpecification(.average, kernel: 3, stride: 2, pad: 1), pool1)
    let odd = net.add(
      "odd",
      WindowPoolingSpecification(
        method: .average, kernel: 2, before: 1), pool2)
    let border = net.add("border", BorderSpecification(before: 1, after: 0), odd)
    let conv2 = net.add(
      "conv2", ConvolutionSpecification(outputChannels: 5, kernel: 2, hasBias: false), border)
    let fc3 = net.add("fc3", InnerProductSpecification(outputs: 7), conv2)
    let drop3 = net.dropout("drop3", fc3, ratio: 0.25)
    let shift = net.add("shift", AddSpecification(constant: Shape(7)), drop3)
    let view = net.add(
      "view", ViewSpecification(.reshape([-1, 7], zeroCopies: true)), shift)
    let fc4 = net.add("fc4", InnerProductSpecification(outputs: 3, hasBias: false), view)
    net.add("prob", SoftmaxSpecification(), fc4)
    net.softmaxWithLoss("loss", fc4)
    let filled: [[Tensor<Float>]] = NetworkPlan.filled(net.definition)
    return (net.definition, filled.map { $0.map { NumPyArray($0) } })
  }

  private func write() throws {
    let (definition, parameters) = try network()
    try ONNXModel(definition, parameters: parameters).write(to: file)
  }

  @Test func readsWhatItWrites() throws {
    let (definition, parameters) = try network()
    try write()
    let again = try ONNXNetwork(ONNXModel(contentsOf: file))
    #expect(again.outputs == ["prob"])
    // The inner product of a picture has a node of its own that makes vectors of them; the loss has none.
    let kept = again.definition.layers.indices.filter {
      again.definition.layers[$0].name != "fc3.flatten"
    }
    let expected = definition.layers.dropLast()
    #expect(kept.map { again.definition.layers[$0].name } == expected.map(\.name))
    #expect(
      kept.map { AnyHashable(again.definition.layers[$0].specification) }
        == expected.map { AnyHashable($0.specification) })
    #expect(kept.map { again.parameters[$0] } == Array(parameters.dropLast()))
    #expect(again.definition.layers[1].bottoms == ["conv1"])
    #expect(again.definition.layers[2].bottoms == ["relu1"])
    // Netron knows the file by these: IR version, then the producer's name.
    #expect(try Data(contentsOf: file).prefix(3) == Data([0x08, 0x08, 0x12]))
  }

  @Test(.enabled(if: runtimeIsPresent, "script/python has not installed onnx and onnxruntime"))
  func onnxRuntimeGivesTheSame() throws {
    try write()
    var generator = SplitMix64(seed: 2)
    let shape = Shape(2, 4, 9, 9)
    let x = Tensor<Float>(
      shape, (0..<shape.count).map { _ in Float(generator.nextUniform() - 0.5) })
    let (data, result) = (file.path + ".npy", file.path + ".y.npy")
    defer { for path in [data, result] { try? FileManager.default.removeItem(atPath: path) } }
    try NumPyArray(x).write(to: URL(filePath: data))
    let program = """
      import sys, numpy, onnx, onnxruntime
      onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
      session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
      numpy.save(sys.argv[3], session.run(None, {"data": numpy.load(sys.argv[2])})[0])
      """
    #expect(Python.withLibraries.output(of: program, file.path, data, result) != nil)
    let values = try run(ONNXNetwork(ONNXModel(contentsOf: file)), ["data": x])
    let expected = try NumPyArray(contentsOf: URL(filePath: result)).tensor(as: Float.self)
    // Fourteen layers in single precision, each within some 1e-7.
    expectClose(try #require(values["prob"]), expected, within: 1e-6, "y")
  }

  @Test func namesTheOperatorsOfJoins() throws {
    var net = NetworkBuilder(name: "joins", channels: 2, height: 3, width: 3)
    let sigmoid = net.add("sigmoid", SigmoidSpecification(), net.data)
    let tanh = net.add("tanh", TanHSpecification(), net.data)
    let sum = net.add("sum", EltwiseSpecification(.sum), sigmoid, tanh)
    let product = net.add("product", EltwiseSpecification(.product), sum, tanh)
    let maximum = net.add("maximum", EltwiseSpecification(.maximum), product, tanh)
    let both = net.add("both", ConcatSpecification(), maximum, sigmoid)
    net.add("means", AdaptiveAveragePoolingSpecification(output: 3), both)
    let model = try ONNXModel(
      net.definition, parameters: net.definition.layers.map { _ in [] })
    #expect(
      model.message.graph.node.map(\.opType) == [
        "Sigmoid", "Tanh", "Sum", "Mul", "Max", "Concat", "AveragePool",
      ])
    #expect(model.message.graph.output.map(\.name) == ["means"])
    net.add("odd", AdaptiveAveragePoolingSpecification(output: 2), both)
    let error = #expect(throws: TensorFileError.self) {
      try ONNXModel(net.definition, parameters: net.definition.layers.map { _ in [] })
    }
    #expect(error?.problem.contains("no average pooling from 3×3 to 2×2") == true)
  }

  @Test func refusesWhatONNXLacks() throws {
    func refusal(
      _ specification: some SingleInputSpecification, name: String = "a", top: String = "y",
      _ parameters: [NumPyArray] = []
    ) -> String {
      var net = NetworkDefinition(name: "g", imageShape: [4, 9, 9])
      net.layers = [
        LayerDefinition(name: name, specification: specification, bottoms: ["data"], top: top)
      ]
      let error = #expect(throws: TensorFileError.self) {
        try ONNXModel(net, parameters: [parameters])
      }
      return error.map { "\($0)" } ?? ""
    }
    #expect(refusal(LRNSpecification(region: .withinChannel)).contains("within a channel"))
    let product = InnerProductSpecification(outputs: 1, hasBias: false, axis: 2)
    let weights = NumPyArray(Tensor<Float>(Shape(1, 81)))
    #expect(refusal(product, [weights]).contains("starts at axis 1"))
    #expect(refusal(product).contains("has parameters of shapes [] and needs [1×81]"))
    #expect(refusal(ViewSpecification(.identity), name: "").contains("a node has no name"))
    let dilated = WindowPoolingSpecification(
      method: .average, kernel: 2, dilation: 2)
    #expect(refusal(dilated).contains("no average with dilation"))
    #expect(refusal(PoolingSpecification(.maximum, kernel: 10)).contains("must not be larger"))
    var net = NetworkDefinition(name: "g", imageShape: [4])
    #expect(throws: TensorFileError.self) { try ONNXModel(net, parameters: []) }
    net.layers = [
      LayerDefinition(
        name: "a", specification: ViewSpecification(.identity), bottoms: ["data"], top: "a"),
      LayerDefinition(name: "data", specification: ReLUSpecification(), bottoms: ["a"], top: "a"),
    ]
    let twice = #expect(throws: TensorFileError.self) { try ONNXModel(net, parameters: []) }
    #expect(twice?.problem.contains("its value \"data\" has no name, or one") == true)
    let (definition, parameters) = try network()
    let error = #expect(throws: TensorFileError.self) {
      try ONNXModel(definition, parameters: parameters).write(to: URL(filePath: "/nowhere/a.onnx"))
    }
    #expect(error?.path == "/nowhere/a.onnx")
  }
}

extension NetworkPlan {
  /// Small numbers for every parameter.
  fileprivate static func filled(_ definition: NetworkDefinition) -> [[Tensor<Float>]] {
    guard let plan = try? NetworkPlan(definition) else { return [] }
    var generator = SplitMix64(seed: 1)
    return plan.layers.map { layer in
      layer.parameters.map { parameter in
        Tensor(
          parameter.shape,
          (0..<parameter.shape.count).map { _ in Float(generator.nextUniform() - 0.5) })
      }
    }
  }
}
