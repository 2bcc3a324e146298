import Layers
import Tensors

/// A solution of exercise `inner-product`: every output sees every input.
public struct InnerProduct<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: InnerProductSpecification
  private let outputs: Int

  /// A layer of K outputs.
  public init(outputs: Int) {
    specification = InnerProductSpecification(outputs: outputs)
    self.outputs = outputs
  }

  /// Writes every element of `output`. `parameters[0]` are the weights, `parameters[1]` is the bias.
  @specialized(where Scalar == Float)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let (weights, bias) = (parameters[0], parameters[1])
    let inputs = specification.inputs(for: input.shape)
    for n in 0..<input.shape.images {
      for k in 0..<outputs {
        var sum = bias[k]
        for d in 0..<inputs { sum += weights[k * inputs + d] * input[n * inputs + d] }
        output[n * outputs + k] = sum
      }
    }
  }

  /// Adds ∂L/∂b to `gradient`.
  @specialized(where Scalar == Float)
  private func addBiasGradient(to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>) {
    for i in 0..<outputGradient.count { gradient[i % outputs] += outputGradient[i] }
  }

  /// Adds ∂L/∂w to `gradient`.
  @specialized(where Scalar == Float)
  private func addWeightGradient(
    to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>, input: Tensor<Scalar>
  ) {
    let inputs = specification.inputs(for: input.shape)
    for n in 0..<input.shape.images {
      for k in 0..<outputs {
        for d in 0..<inputs {
          gradient[k * inputs + d] += outputGradient[n * outputs + k] * input[n * inputs + d]
        }
      }
    }
  }

  /// Adds ∂L/∂in to `gradient`.
  @specialized(where Scalar == Float)
  private func addInputGradient(
    to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>, weights: Tensor<Scalar>
  ) {
    let inputs = specification.inputs(for: gradient.shape)
    for n in 0..<gradient.shape.images {
      for k in 0..<outputs {
        for d in 0..<inputs {
          gradient[n * inputs + d] += outputGradient[n * outputs + k] * weights[k * inputs + d]
        }
      }
    }
  }

  /// Nothing to do here: calls the three above, on gradients that are 0 unless they are to be
  /// accumulated.
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    if !accumulating {
      for i in parameterGradients.indices { parameterGradients[i].fill(with: 0) }
    }
    addWeightGradient(to: &parameterGradients[0], outputGradient: outputGradient, input: input)
    addBiasGradient(to: &parameterGradients[1], outputGradient: outputGradient)
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      addInputGradient(to: &gradient, outputGradient: outputGradient, weights: parameters[0])
    }
  }
}
