import GradientChecking

/// y = x·σ(s·x): a layer of this package. The package needs the gradient checker and nothing else of
/// AlexNet.
struct Swish<Scalar: Tensors.Scalar>: SingleInputLayer {
  struct Specification: SingleInputSpecification {
    static var typeName: String { "Swish" }
    var steepness = 1.5
    func outputShape(for input: Shape) -> Shape { input }
    func layer<S>(on backend: some Backend<S>) -> any Layer<S> { Swish<S>() }
  }

  let specification = Specification()
  /// What the gradient is multiplied by. Anything but 1 is wrong.
  var factor = 1.0

  private func sigmoid(_ x: Scalar) -> Scalar {
    let power = Scalar.exp(-Scalar(specification.steepness) * x)
    return 1 / (1 + power)
  }

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
        let slope = s + Scalar(specification.steepness) * input[i] * s * (1 - s)
        gradient[i] = Scalar(factor) * slope * outputGradient[i]
      }
    }
  }
}

/// Something that should have been true.
struct Surprise: Error {
  var description: String
}

@main
struct Checking {
  static func main() throws {
    let shape = Shape(2, 3, 4, 4)
    let right = try check(Swish<Double>(), input: shape, exact: Swish<Dual<Double>>())
    guard right.passed else { throw Surprise(description: right.explanation) }
    let wrong = try check(Swish<Double>(factor: 2), input: shape)
    guard !wrong.passed else { throw Surprise(description: "a factor of 2 was not noticed") }
    print("its own layer is right, and a wrong one is caught")
  }
}
