import Layers
import Tensors

/// The sum of inputs of one shape: a residual connection.
struct SumSpecification: LayerSpecification {
  static let typeName = "Sum"

  func outputShape(for inputs: [Shape]) throws(LayerError) -> Shape {
    guard let first = inputs.first, inputs.allSatisfy({ $0 == first }) else {
      throw LayerError(
        layer: Self.typeName, value: "inputs \(inputs)", rule: "must be some of one shape")
    }
    return first
  }

  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { Sum<S>() }
  var backwardReadsOutput: Bool { false }
}

struct Sum<Scalar: Tensors.Scalar>: Layer {
  let specification = SumSpecification()

  func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    output.fill(with: 0)
    for input in inputs { output.add(input) }
  }

  func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    for number in inputs.indices {
      inputGradients[number].update { $0.copyElements(from: outputGradient) }
    }
  }
}

/// Half of the squared distance of two inputs, averaged over the images: a loss without labels, Caffe's
/// `EuclideanLoss`.
struct SquaredErrorSpecification: LayerSpecification {
  static let typeName = "EuclideanLoss"

  var lossWeight = 1.0

  func outputShape(for inputs: [Shape]) throws(LayerError) -> Shape {
    guard inputs.count == 2, inputs[0] == inputs[1] else {
      throw LayerError(
        layer: Self.typeName, value: "inputs \(inputs)", rule: "must be two of one shape")
    }
    return Shape()
  }

  func layer<S>(on backend: some Backend<S>) -> any Layer<S> {
    SquaredError<S>(specification: self)
  }
}

struct SquaredError<Scalar: Tensors.Scalar>: Layer {
  let specification: SquaredErrorSpecification

  private func images(_ input: Tensor<Scalar>) -> Scalar {
    Scalar(Double(input.shape.dimensions.first ?? 1))
  }

  func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    var sum: Scalar = 0
    for (a, b) in zip(inputs[0].elements, inputs[1].elements) { sum += (a - b) * (a - b) }
    output[0] = sum / (2 * images(inputs[0]))
  }

  func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    for (number, sign) in [Scalar(1), -1].enumerated() {
      let factor = sign * outputGradient[0] / images(inputs[0])
      inputGradients[number].update { gradient in
        for i in 0..<gradient.count { gradient[i] = factor * (inputs[0][i] - inputs[1][i]) }
      }
    }
  }
}
