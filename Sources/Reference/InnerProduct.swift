import Layers
import Tensors

/// The inner product.
///
/// Letters: n image, k output, d input.
///
///     out[n,k] = b[k] + Σ_d w[k,d] · in[n,d]
///
/// Twin: `Sources/Fast/InnerProduct.swift`. Source: Caffe's `inner_product_layer.cpp`.
public struct InnerProduct<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: InnerProductSpecification

  /// The naive version of a specification.
  public init(_ specification: InnerProductSpecification) {
    self.specification = specification
  }

  /// out = b + Σ_d w · in, summed in this order.
  ///
  /// - Complexity: O(N·K·D) multiply-adds: each of the K·D weights is read N times. Allocates
  ///   nothing.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let inputs = specification.inputs(for: input.shape)
    let outputs = specification.outputs
    let weights = parameters[0].elements
    let bias = specification.hasBias ? parameters[1].elements : []
    for n in 0..<output.count / outputs {
      for k in 0..<outputs {
        var sum = specification.hasBias ? bias[k] : 0  // ← b
        for d in 0..<inputs {  // ← Σ_d
          sum += weights[k * inputs + d] * input[n * inputs + d]  // ← w, in
        }
        output[n * outputs + k] = sum  // ← out
      }
    }
  }

  /// ∂L/∂w[k,d] = Σ_n ∂L/∂out[n,k] · in[n,d],  ∂L/∂b[k] = Σ_n ∂L/∂out[n,k],
  /// ∂L/∂in[n,d] = Σ_k ∂L/∂out[n,k] · w[k,d].
  ///
  /// - Complexity: O(N·K·D) multiply-adds for the weights, and again for the input unless it is
  ///   left out; O(N·K) additions for the bias. Allocates nothing.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let inputs = specification.inputs(for: input.shape)
    let outputs = specification.outputs
    let images = output.count / outputs

    if !accumulating {
      for i in parameterGradients.indices { parameterGradients[i].fill(with: 0) }
    }
    addWeightGradient(to: &parameterGradients[0], outputGradient, input, images, inputs)
    if specification.hasBias {
      for n in 0..<images {
        for k in 0..<outputs {
          parameterGradients[1][k] += outputGradient[n * outputs + k]  // ← ∂b ∂L/∂b, ∂L/∂out
        }
      }
    }
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      let weights = parameters[0].elements
      for n in 0..<images {
        for k in 0..<outputs {  // ← ∂in Σ_k
          let upstream = outputGradient[n * outputs + k]  // ← ∂in ∂L/∂out
          for d in 0..<inputs {
            // ← ∂in ∂L/∂in, w
            gradient[n * inputs + d] += upstream * weights[k * inputs + d]
          }
        }
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  private func addWeightGradient(
    to gradient: inout Tensor<Scalar>, _ outputGradient: Tensor<Scalar>, _ input: Tensor<Scalar>,
    _ images: Int, _ inputs: Int
  ) {
    let outputs = specification.outputs
    for k in 0..<outputs {
      for n in 0..<images {
        let upstream = outputGradient[n * outputs + k]  // ← ∂w ∂L/∂out
        for d in 0..<inputs {
          gradient[k * inputs + d] += upstream * input[n * inputs + d]  // ← ∂w ∂L/∂w, in
        }
      }
    }
  }
}
