import Layers
import RealModule
import Reference
import Tensors

/// ∂L/∂in multiplies by W instead of Wᵀ. With as many outputs as inputs, no shape objects.
struct WeightsNotTransposed<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: InnerProduct<Scalar>
  init(_ specification: InnerProductSpecification) { right = InnerProduct(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let size = specification.outputs
    pass.replace(&inputGradient) { gradient in
      for i in 0..<gradient.count {
        for k in 0..<size {
          gradient[i] +=
            pass.outputGradient[i / size * size + k] * pass.parameters[0][i % size * size + k]
        }
      }
    }
  }
}

/// ∂L/∂w is divided by the number of images: the loss has done so already.
struct AveragedTwice<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: InnerProduct<Scalar>
  init(_ specification: InnerProductSpecification) { right = InnerProduct(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let (outputs, inputs) = (specification.outputs, pass.input.shape.imageCount)
    let images = pass.input.shape.images
    pass.replace(0, of: &parameterGradients) { gradient in
      for n in 0..<images {
        for i in 0..<gradient.count {
          gradient[i] +=
            pass.outputGradient[n * outputs + i / inputs] * pass.input[n * inputs + i % inputs]
            / Scalar(Double(images))
        }
      }
    }
  }
}

/// ∂L/∂w is summed in Float, whatever the layer's precision is.
struct SummedInFloat<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: InnerProduct<Scalar>
  init(_ specification: InnerProductSpecification) { right = InnerProduct(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let (outputs, inputs) = (specification.outputs, pass.input.shape.imageCount)
    pass.replace(0, of: &parameterGradients) { gradient in
      for i in 0..<gradient.count {
        var sum: Float = 0
        for n in 0..<pass.input.shape.images {
          let product =
            pass.outputGradient[n * outputs + i / inputs] * pass.input[n * inputs + i % inputs]
          sum += Float(product.doubleValue)
        }
        gradient[i] = Scalar(Double(sum))
      }
    }
  }
}

/// The forward pass rounds the weights, the backward pass hands their gradient through: what
/// quantised networks are trained with on purpose (a straight-through estimator), and still no
/// derivative, which is 0 between the jumps.
struct RoundedWeights<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: InnerProduct<Scalar>
  init(_ specification: InnerProductSpecification) { right = InnerProduct(specification) }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    right.forward(
      input, parameters: rounded(parameters), context: &context, output: &output, saved: &saved)
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    right.backward(
      outputGradient: outputGradient, input: input, output: output,
      parameters: rounded(parameters), saved: saved, inputGradient: &inputGradient,
      parameterGradients: &parameterGradients, accumulating: accumulating)
  }

  private func rounded(_ parameters: [Tensor<Scalar>]) -> [Tensor<Scalar>] {
    var parameters = parameters
    for i in 0..<parameters[0].count {
      // Truncation after adding ½ to the absolute value rounds to the nearest.
      let value = parameters[0][i].doubleValue
      let steps = Double(Int(abs(value) * 256 + 0.5))
      parameters[0][i] = Scalar((value < 0 ? -steps : steps) / 256)
    }
    return parameters
  }
}
