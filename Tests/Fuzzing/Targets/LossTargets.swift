import Fast
import Layers
import Reference
import Tensors

/// What isn't a layer by itself.
extension LayerComparison {
  /// The loss and the accuracy, which take labels.
  mutating func losses() throws {
    // Without classes there may be many positions and yet no number.
    guard let shape = choices.shape(), shape.count <= 1 << 10,
      shape.images * shape.spatialCount <= 1 << 10
    else { return }
    let labels = choices.labels(for: shape)
    let ignored = choices.one(of: [nil, nil, 0, 2, 255, -1])
    let loss = SoftmaxWithLossSpecification(
      normalization: choices.one(of: SoftmaxWithLossSpecification.Normalization.allCases),
      ignoreLabel: ignored, lossWeight: choices.constant())
    let accuracy = AccuracySpecification(topK: choices.size(1...5), ignoreLabel: ignored)
    let scores: Tensor<Scalar> = choices.numbers(shape)
    let backends: [Backend] = [ReferenceBackend<Scalar>(), FastBackend<Scalar>()]

    let measured = backends.map { self.accuracy(of: $0.accuracy(accuracy), scores, labels) }
    try promise(measured[0] == measured[1], "\(accuracy) on \(shape): \(measured)")

    let losses = try backends.map { try outcome(of: $0.softmaxWithLoss(loss), scores, labels) }
    switch (losses[0], losses[1]) {
    case (.failure(let expected), .failure(let actual)):
      try promise(expected == actual, "\(loss) on \(shape): \(expected) and \(actual)")
    case (.success(let reference), .success(let fast)):
      guard abs(loss.lossWeight) <= 1e6 else { return }
      let (count, divisor) = (
        Double(labels.count), loss.divisor(labels: labels, scores: shape)
      )
      let bound = probabilityBound(shape)
      // A logarithm's error is the relative one of the probability; the sum of them is rounded too.
      let size = abs(reference.output[0].doubleValue)
      try expectAgreement(
        reference.output, fast.output,
        within: bound * count / divisor + (2 * count.squareRoot() + 2) * epsilon * size,
        "\(loss) on \(shape), loss")
      if let expected = reference.inputGradient, let actual = fast.inputGradient {
        try expectAgreement(
          expected, actual, within: bound * abs(loss.lossWeight) / divisor,
          "\(loss) on \(shape), gradient")
      }
    default: throw FuzzFinding("\(loss) on \(shape): \(losses)")
    }
  }

  private func accuracy<L: SingleInputLayer>(
    of layer: L, _ scores: Tensor<L.Scalar>, _ labels: [Int]
  ) -> Result<L.Scalar, LayerError> {
    Result { () throws(LayerError) in
      try layer.forward(scores, context: RunContext(labels: labels)).output[0]
    }
  }

  private func outcome<L: SingleInputLayer>(
    of loss: L, _ scores: Tensor<L.Scalar>, _ labels: [Int]
  ) throws -> Result<LayerResults<L.Scalar>, LayerError> {
    Result { () throws(LayerError) in
      let forward = try loss.forward(scores, context: RunContext(labels: labels))
      var gradient: Tensor<L.Scalar>? = Tensor(scores.shape, repeating: 77)
      var none: [Tensor<L.Scalar>] = []
      loss.backward(
        outputGradient: Tensor(Shape(), [L.Scalar(loss.specification.lossWeight)]), input: scores,
        output: forward.output, parameters: [], saved: forward.saved, inputGradient: &gradient,
        parameterGradients: &none, accumulating: false)
      return LayerResults(output: forward.output, inputGradient: gradient)
    }
  }

  /// The step of learning.
  mutating func step() throws {
    // Fractions whose products with small whole numbers are exact.
    let factors = [0, 0.5, 0.25, 1, -0.125]
    let step = SGDStep(
      rate: choices.one(of: factors), momentum: choices.one(of: factors),
      decay: choices.one(of: factors), regularization: choices.isTrue() ? .l1 : .l2,
      gradientScale: choices.one(of: factors))
    guard let shape = choices.shape(rows: 1...40), shape.count <= 1 << 13 else { return }
    let parameter: Tensor<Scalar> = choices.numbers(shape)
    let momentumBuffer: Tensor<Scalar> = choices.numbers(shape)
    let gradient: Tensor<Scalar> = choices.numbers(shape)
    let backends: [Backend] = [ReferenceBackend<Scalar>(), FastBackend<Scalar>()]
    let results = backends.map { backend in
      var (parameter, momentumBuffer) = (parameter, momentumBuffer)
      backend.take(step, on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient)
      return [parameter, momentumBuffer]
    }
    for (expected, actual) in zip(results[0], results[1]) {
      try expectAgreement(expected, actual, within: 0, "\(step) on \(shape)")
    }
  }
}
