import Fast
import Layers
import Reference
import Tensors

/// What one expression gives in both versions: they agree bit for bit.
extension LayerComparison {
  mutating func sigmoid() throws {
    guard
      let trial = try LayerTrial<SigmoidSpecification, Scalar>(
        SigmoidSpecification(), &choices, layer: { $0.sigmoid(SigmoidSpecification()) })
    else { return }
    try inPlaceToo(trial) { $0.sigmoid(SigmoidSpecification()) }
  }

  mutating func tanh() throws {
    guard
      let trial = try LayerTrial<TanHSpecification, Scalar>(
        TanHSpecification(), &choices, layer: { $0.tanh(TanHSpecification()) })
    else { return }
    try inPlaceToo(trial) { $0.tanh(TanHSpecification()) }
  }

  mutating func adaptiveAveragePooling() throws {
    let specification = AdaptiveAveragePoolingSpecification(output: choices.extent(0...7))
    guard
      let trial = try LayerTrial<AdaptiveAveragePoolingSpecification, Scalar>(
        specification, &choices, shape: { $0.shape(rows: 1...19) },
        layer: { $0.adaptiveAveragePooling(specification) })
    else { return }
    try trial.compare { try trial.run($0.adaptiveAveragePooling(specification)) }
  }

  mutating func concat() throws {
    let axis = choices.one(of: [1, 1, 1, 0, 2, 3, -1, 4, .max, .min])
    let specification = ConcatSpecification(axis: axis)
    try join(specification) { $0.concat(specification) }
  }

  mutating func eltwise() throws {
    let operation = choices.one(of: EltwiseSpecification.Operation.allCases)
    let coefficients = (0..<choices.one(of: [0, 0, 0, 2, 3])).map { _ in choices.constant() }
    let specification = EltwiseSpecification(
      operation, coefficients: coefficients, hasStableProductGradient: !choices.isTrue())
    try join(specification) { $0.eltwise(specification) }
  }

  /// Runs a layer on one to four inputs, most of which have the same shape.
  private mutating func join<Specification: LayerSpecification>(
    _ specification: Specification, layer: (Backend) -> any Layer<Scalar>
  ) throws {
    guard let first = choices.shape() else { return }
    var shapes = [first]
    for _ in 1..<choices.one(of: [2, 2, 3, 4, 1]) {
      guard let other = choices.isTrue() ? choices.shape() : first else { return }
      shapes.append(other)
    }
    guard shapes.allSatisfy({ $0.count <= 1 << 10 }) else { return }
    let inputs: [Tensor<Scalar>] = shapes.map { choices.numbers($0) }
    let seed = choices.byte()
    let backends: [Backend] = [ReferenceBackend<Scalar>(), FastBackend<Scalar>()]
    let results = backends.map { self.results(of: layer($0), inputs, seed: seed) }
    let label = "\(specification) on \(shapes)"
    switch (results[0], results[1]) {
    case (.failure(let expected), .failure(let actual)):
      try promise(expected == actual, "\(label): \(expected) and \(actual)")
    case (.success(let reference), .success(let fast)):
      for (expected, actual) in zip(reference, fast) {
        try expectAgreement(expected, actual, within: 0, label)
      }
    default: throw FuzzFinding("\(label): \(results)")
    }
  }

  /// The output, and the gradient of each input.
  private func results<L: Layer>(
    of layer: L, _ inputs: [Tensor<L.Scalar>], seed: Int
  ) -> Result<[Tensor<L.Scalar>], LayerError> {
    Result { () throws(LayerError) in
      let forward = try layer.forward(inputs)
      var choices = Choices([UInt8(clamping: seed)])
      let upstream: Tensor<L.Scalar> = choices.numbers(forward.output.shape)
      return [forward.output]
        + (try layer.backward(upstream, inputs: inputs, after: forward)).inputs
    }
  }
}
