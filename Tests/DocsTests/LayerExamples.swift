import Fast
import Layers
import Reference
import Tensors
import Testing

/// Which version computes an example.
enum Version: CaseIterable, Sendable {
  case reference, fast

  var backend: any Backend<Double> {
    switch self {
    case .reference: ReferenceBackend()
    case .fast: FastBackend()
    }
  }
}

extension Example {
  /// Runs a layer on what the example prints, forwards and, where `∂out` is printed, backwards.
  ///
  /// Everything of the layer that the example prints is compared: output, gradients, and what the
  /// forward pass keeps.
  func check<L: SingleInputLayer>(
    _ layer: L, input inputName: String = "in", output outputName: String = "out",
    context: RunContext = RunContext()
  ) throws where L.Scalar == Double {
    let input = try self(inputName)
    let parameters = try layer.specification.parameters(for: input.shape)
    let values = try parameters.map { try self($0.name) }
    let forward = try layer.forward(input, parameters: values, context: context)
    expect(outputName, forward.output)
    if tensors["s"] != nil, let scale = forward.saved as? Tensor<Double> { expect("s", scale) }
    if tensors["position"] != nil {
      let positions = try #require(maxPositions(forward.saved))
      expect("position", Tensor(forward.output.shape, positions.map { Double($0) }))
    }
    guard tensors["∂" + outputName] != nil else { return }
    let gradients = try layer.backward(
      try self("∂" + outputName), input: input, parameters: values, after: forward)
    expect("∂" + inputName, gradients.input)
    for (parameter, gradient) in zip(parameters, gradients.parameters) {
      expect("∂" + parameter.name, gradient)
    }
  }

  /// Runs a layer over `a` and `b`, forwards and backwards.
  func checkJoin<L: Layer>(_ layer: L) throws where L.Scalar == Double {
    let inputs = [try self("a"), try self("b")]
    let forward = try layer.forward(inputs)
    expect("out", forward.output)
    let gradients = try layer.backward(try self("∂out"), inputs: inputs, after: forward)
    expect("∂a", gradients.inputs[0])
    expect("∂b", gradients.inputs[1])
  }

  private func maxPositions(_ saved: Any) -> [Int32]? {
    (saved as? Reference.Pooling<Double>.Saved)?.maxPositions
      ?? (saved as? Fast.Pooling<Double>.Saved)?.maxPositions
  }

  /// Runs a loss on what the example prints, forwards and backwards.
  func checkLoss<L: SingleInputLayer>(_ loss: L) throws where L.Scalar == Double {
    let scores = try self("scores")
    let labels = try integers("label")
    let forward = try loss.forward(scores, context: RunContext(labels: labels))
    expect("loss", Tensor(Shape(1), forward.output.elements))
    let gradients = try loss.backward(Tensor(Shape(), [1]), input: scores, after: forward)
    expect("∂scores", gradients.input)
  }

  /// Measures the shares among the highest scores that the example prints.
  func checkAccuracy(_ backend: any Backend<Double>) throws {
    for topK in 1...2 {
      let layer = backend.accuracy(AccuracySpecification(topK: topK))
      expect("top \(topK)", Tensor(Shape(1), [try share(layer)]))
    }
  }

  private func share(_ accuracy: some SingleInputLayer<Double>) throws -> Double {
    try accuracy.forward(self("scores"), context: RunContext(labels: integers("label"))).output[0]
  }

  /// Draws the random numbers that the example prints, and what dropout makes of them.
  func checkDraws(seed: UInt32) throws {
    var generator = MersenneTwister(seed: seed)
    let numbers = try self("random").elements.map { _ in generator.next() as UInt32 }
    let shape = try self("random").shape
    expect("random", Tensor(shape, numbers.map { Double($0) }))
    guard tensors["kept"] != nil else { return }
    let threshold = DropoutSpecification().keepThreshold
    expect("kept", Tensor(shape, numbers.map { $0 <= threshold ? 1 : 0 }))
  }

  /// Adds a large square to a sum in `Float` and takes it away again.
  func checkRunningSum() throws {
    var sum = Float(try self("sum before")[0])
    let square = Float(10_000 * 10_000)
    sum += square
    sum -= square
    expect("sum after adding and subtracting 10000²", Tensor(Shape(1), [Double(sum)]))
  }
}
