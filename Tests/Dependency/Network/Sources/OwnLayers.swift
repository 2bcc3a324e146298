import AlexNet

// Layers that this package has and AlexNet doesn't. Each is a specification, which says what the layer
// is and makes it, and the layer itself.

/// y = x where x > 0, else a_c·x, with a learned slope a_c for each channel (He et al. 2015).
struct PReLUSpecification: SingleInputSpecification {
  static var typeName: String { "PReLU" }
  func outputShape(for input: Shape) -> Shape { input }
  func parameters(for input: Shape) -> [ParameterSpecification] {
    [ParameterSpecification(name: "slope", shape: Shape(input.channels), initialValue: 0.25)]
  }
  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { PReLU<S>() }
}

struct PReLU<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification = PReLUSpecification()

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count {
      output[i] = input[i] > 0 ? input[i] : parameters[0][input.shape.channel(of: i)] * input[i]
    }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    if !accumulating { parameterGradients[0] = Tensor(parameters[0].shape) }
    for i in 0..<input.count where !(input[i] > 0) {
      parameterGradients[0][input.shape.channel(of: i)] += outputGradient[i] * input[i]
    }
    inputGradient.update { gradient in
      for i in 0..<input.count {
        gradient[i] =
          input[i] > 0
          ? outputGradient[i] : parameters[0][input.shape.channel(of: i)] * outputGradient[i]
      }
    }
  }
}

/// y = x·σ(1.702·x), which is nearly x times the normal distribution's Φ(x) (Hendrycks and Gimpel 2016).
struct GELUSpecification: SingleInputSpecification {
  static var typeName: String { "GELU" }
  func outputShape(for input: Shape) -> Shape { input }
  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { GELU<S>() }
}

struct GELU<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification = GELUSpecification()

  private func sigmoid(_ x: Scalar) -> Scalar { 1 / (1 + .exp(-Scalar(1.702) * x)) }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count { output[i] = input[i] * sigmoid(input[i]) }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<input.count {
        let s = sigmoid(input[i])
        gradient[i] = (s + Scalar(1.702) * input[i] * s * (1 - s)) * outputGradient[i]
      }
    }
  }
}

/// y = (x − μ)/√(σ² + ε) for each channel (Ioffe and Szegedy 2015). In training μ and σ² are those of
/// the batch, and running means of them are kept; in testing the running means stand for them.
struct BatchNormSpecification: SingleInputSpecification {
  static var typeName: String { "BatchNorm" }
  var momentum = 0.9
  var epsilon = 1e-5
  func outputShape(for input: Shape) -> Shape { input }
  /// State: it is stored with the parameters, and not learned.
  func parameters(for input: Shape) -> [ParameterSpecification] {
    let shape = Shape(input.channels)
    return [
      ParameterSpecification(name: "mean", shape: shape, isLearned: false),
      ParameterSpecification(
        name: "variance", shape: shape, initialValue: 1, isLearned: false),
    ]
  }
  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { BatchNorm<S>(specification: self) }
}

struct BatchNorm<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// μ and σ² as the forward pass used them, and whether they are those of the batch.
  struct Saved: Sendable {
    var mean: [Scalar]
    var variance: [Scalar]
    var isOfBatch = true
  }

  var specification = BatchNormSpecification()

  func makeSaved(for input: Shape) -> Saved {
    let zeros = [Scalar](repeating: 0, count: input.channels)
    return Saved(mean: zeros, variance: zeros)
  }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    saved.isOfBatch = context.phase == .training
    for c in 0..<input.shape.channels {
      let positions = input.shape.positions(ofChannel: c)
      if saved.isOfBatch {
        let count = Scalar(Double(positions.count))
        saved.mean[c] = positions.reduce(0) { $0 + input[$1] } / count
        saved.variance[c] =
          positions.reduce(0) {
            let distance = input[$1] - saved.mean[c]
            return $0 + distance * distance
          } / count
      } else {
        (saved.mean[c], saved.variance[c]) = (parameters[0][c], parameters[1][c])
      }
      let factor = 1 / deviation(saved, c)
      for i in positions { output[i] = (input[i] - saved.mean[c]) * factor }
    }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for c in 0..<input.shape.channels {
        let positions = input.shape.positions(ofChannel: c)
        let count = Scalar(Double(positions.count))
        // Of a batch, μ and σ² depend on x too.
        let (mean, slope) =
          saved.isOfBatch
          ? (
            positions.reduce(0) { $0 + outputGradient[$1] } / count,
            positions.reduce(0) { $0 + outputGradient[$1] * output[$1] } / count
          ) : (0, 0)
        let factor = 1 / deviation(saved, c)
        for i in positions { gradient[i] = factor * (outputGradient[i] - mean - output[i] * slope) }
      }
    }
  }

  func updateState(_ parameters: inout [Tensor<Scalar>], saved: Saved) {
    let (old, new) = (Scalar(specification.momentum), Scalar(1 - specification.momentum))
    for c in saved.mean.indices {
      parameters[0][c] = old * parameters[0][c] + new * saved.mean[c]
      parameters[1][c] = old * parameters[1][c] + new * saved.variance[c]
    }
  }

  private func deviation(_ saved: Saved, _ c: Int) -> Scalar {
    .sqrt(saved.variance[c] + Scalar(specification.epsilon))
  }
}

/// y = a + b: what closes a residual block (He et al. 2016).
struct SumSpecification: LayerSpecification {
  static var typeName: String { "Sum" }
  /// So that a layer in place may follow.
  let backwardReadsOutput = false

  func outputShape(for inputs: [Shape]) throws(LayerError) -> Shape {
    guard inputs.count == 2, inputs[0] == inputs[1] else {
      throw LayerError(
        layer: Self.typeName, value: "inputs of shapes \(inputs)",
        rule: "must be two of the same shape")
    }
    return inputs[0]
  }

  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { Sum<S>() }
}

struct Sum<Scalar: Tensors.Scalar>: Layer {
  let specification = SumSpecification()

  func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<output.count { output[i] = inputs[0][i] + inputs[1][i] }
  }

  func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    for i in inputGradients.indices where inputGradients[i] != nil {
      inputGradients[i] = outputGradient
    }
  }
}

extension Shape {
  /// The channel of an element.
  fileprivate func channel(of element: Int) -> Int { element / spatialCount % channels }

  /// The elements of a channel, in all images.
  fileprivate func positions(ofChannel c: Int) -> [Int] {
    (0..<images).flatMap { n in
      let first = (n * channels + c) * spatialCount
      return Array(first..<first + spatialCount)
    }
  }
}
