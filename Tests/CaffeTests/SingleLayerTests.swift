import Fast
import Layers
import NumPyFiles
import Reference
import Tensors
import Testing

@Suite("Single layers against Caffe")
struct SingleLayerTests {
  @Test("pooling", arguments: Twin.allCases, LayerCases.pooling.keys.sorted())
  func pooling(twin: Twin, name: String) throws {
    let specification = try #require(LayerCases.pooling[name])
    let cases = try Fixture.archive("pooling/cases.npz")
    try check(cases, name, twin.backend(as: Float.self).pooling(specification))
    try check(cases, name, twin.backend(as: Double.self).pooling(specification))
  }

  @Test("LRN", arguments: Twin.allCases, LayerCases.lrn.keys.sorted())
  func lrn(twin: Twin, name: String) throws {
    let specification = try #require(LayerCases.lrn[name])
    let cases = try Fixture.archive("lrn/cases.npz")
    try check(cases, name, twin.backend(as: Float.self).lrn(specification))
    try check(cases, name, twin.backend(as: Double.self).lrn(specification))
  }

  @Test("convolution", arguments: Twin.allCases, LayerCases.convolution.keys.sorted())
  func convolution(twin: Twin, name: String) throws {
    let specification = try #require(LayerCases.convolution[name])
    let cases = try Fixture.archive("linear/cases.npz")
    try check(cases, name, twin.backend(as: Float.self).convolution(specification))
    try check(cases, name, twin.backend(as: Double.self).convolution(specification))
  }

  @Test("inner product", arguments: Twin.allCases, LayerCases.innerProduct.keys.sorted())
  func innerProduct(twin: Twin, name: String) throws {
    let specification = try #require(LayerCases.innerProduct[name])
    let cases = try Fixture.archive("linear/cases.npz")
    try check(cases, name, twin.backend(as: Float.self).innerProduct(specification))
    try check(cases, name, twin.backend(as: Double.self).innerProduct(specification))
  }

  @Test("softmax, ReLU and dropout", arguments: Twin.allCases, LayerCases.others.keys.sorted())
  func others(twin: Twin, name: String) throws {
    let (operation, phase) = try #require(LayerCases.others[name])
    let cases = try Fixture.archive("losses/cases.npz")
    // Caffe ran every case with its generator freshly seeded with 1701.
    let context = RunContext(phase: phase, seed: 1701)
    func check<Scalar: BLASScalar>(in precision: Scalar.Type) throws {
      let backend = twin.backend(as: precision)
      switch operation {
      case let specification as ReLUSpecification:
        try self.check(cases, name, backend.relu(specification), context)
      case let specification as DropoutSpecification:
        try self.check(cases, name, backend.dropout(specification), context)
      case let specification as SoftmaxSpecification:
        try self.check(cases, name, backend.softmax(specification), context)
      default:
        Issue.record("\(name) has no check")
      }
    }
    try check(in: Float.self)
    try check(in: Double.self)
  }

  @Test("softmax with loss", arguments: Twin.allCases, LayerCases.softmaxWithLoss.keys.sorted())
  func softmaxWithLoss(twin: Twin, name: String) throws {
    let specification = try #require(LayerCases.softmaxWithLoss[name])
    let cases = try Fixture.archive("losses/cases.npz")
    try checkLoss(cases, name, twin.backend(as: Float.self).softmaxWithLoss(specification))
    try checkLoss(cases, name, twin.backend(as: Double.self).softmaxWithLoss(specification))
  }

  @Test("accuracy", arguments: Twin.allCases, LayerCases.accuracy.keys.sorted())
  func accuracy(twin: Twin, name: String) throws {
    let specification = try #require(LayerCases.accuracy[name])
    let cases = try Fixture.archive("losses/cases.npz")
    let labels = try Fixture.labels(cases, "\(name)__bottom1")
    let expected: Tensor<Double> = try Fixture.tensor(cases, "\(name)__top0")
    let scores: Tensor<Float> = try Fixture.tensor(cases, "\(name)__bottom0")
    let layer = twin.backend(as: Float.self).accuracy(specification)
    let actual = try share(layer, scores, labels)
    // A quotient of two small integers in Float: half a unit in the last place.
    #expect(abs(actual - expected[0]) <= 6e-8)
  }

  private func share(
    _ accuracy: some SingleInputLayer<Float>, _ scores: Tensor<Float>, _ labels: [Int]
  ) throws -> Double {
    Double(try accuracy.forward(scores, context: RunContext(labels: labels)).output[0])
  }

  /// Runs a layer on a case and compares output and all gradients.
  private func check<L: SingleInputLayer>(
    _ cases: NumPyArchive, _ name: String, _ layer: L, _ context: RunContext = RunContext()
  ) throws {
    func tensor(_ key: String) throws -> Tensor<L.Scalar> {
      try Fixture.tensor(cases, "\(name)__\(key)")
    }
    let input = try tensor("bottom0")
    let count = try layer.specification.parameters(for: input.shape).count
    let parameters = try (0..<count).map { try tensor("param\($0)") }
    let forward = try layer.forward(input, parameters: parameters, context: context)
    let top = try tensor("top0")
    #expect(forward.output.shape == top.shape)
    expectClose(forward.output, top, within: singlePrecision, "top")

    let gradients = try layer.backward(
      tensor("top_grad0"), input: input, parameters: parameters, after: forward)
    expectClose(gradients.input, try tensor("bottom_grad0"), within: singlePrecision, "bottom")
    for (index, gradient) in gradients.parameters.enumerated() {
      let expected = try tensor("param_grad\(index)")
      expectClose(gradient, expected, within: singlePrecision, "parameter \(index)")
    }
  }

  /// Runs a loss on a case and compares the loss and its gradient.
  private func checkLoss<L: SingleInputLayer>(
    _ cases: NumPyArchive, _ name: String, _ loss: L
  ) throws {
    let scores: Tensor<L.Scalar> = try Fixture.tensor(cases, "\(name)__bottom0")
    let labels = try Fixture.labels(cases, "\(name)__bottom1")
    let forward = try loss.forward(scores, context: RunContext(labels: labels))
    let top: Tensor<L.Scalar> = try Fixture.tensor(cases, "\(name)__top0")
    expectClose(Tensor(Shape(1), forward.output.elements), top, within: singlePrecision, "loss")

    let lossWeight = L.Scalar(loss.specification.lossWeight)
    let gradient = try loss.backward(
      Tensor(Shape(), [lossWeight]), input: scores, after: forward
    ).input
    let expected: Tensor<L.Scalar> = try Fixture.tensor(cases, "\(name)__bottom_grad0")
    expectClose(gradient, expected, within: singlePrecision, "scores")
  }
}
