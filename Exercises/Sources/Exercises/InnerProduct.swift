import Layers
import Tensors
import Workbench

/// Exercise `inner-product`: every output sees every input.
///
///     out[n,k] = b[k] + Σ_d w[k,d] · in[n,d]
///
/// Input N×C×H×W, read as N×D with D = C·H·W: element (n, d) is `input[n * inputs + d]`. Output N×K,
/// weights K×D, bias K: elements `output[n * outputs + k]`, `weights[k * inputs + d]`, `bias[k]`.
///
/// Derive three gradients on paper before you write them: ∂L/∂b, ∂L/∂w and ∂L/∂in. For each of these
/// numbers, ask which outputs it went into, and what it was multiplied with there.
///
/// Replace each `gap` with your code, then run `script/exercise inner-product`.
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
    gap("forward")
  }

  /// Adds ∂L/∂b to `gradient`.
  @specialized(where Scalar == Float)
  private func addBiasGradient(to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>) {
    gap("gradient of the bias")
  }

  /// Adds ∂L/∂w to `gradient`.
  @specialized(where Scalar == Float)
  private func addWeightGradient(
    to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>, input: Tensor<Scalar>
  ) {
    gap("gradient of the weights")
  }

  /// Adds ∂L/∂in to `gradient`.
  @specialized(where Scalar == Float)
  private func addInputGradient(
    to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>, weights: Tensor<Scalar>
  ) {
    gap("gradient of the input")
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
