import Layers
import RealModule
import Tensors

/// A bias and a normalisation over the images, channel by channel, as batch normalisation has it.
///
/// Letters: n image of N, c channel.
///
///     out[n,c] = γ[c] · x̂[n,c],   x̂[n,c] = (in[n,c] + b[c] − µ[c]) / √(σ²[c] + ε)
///
/// where µ and σ² are mean and variance of in + b over the images. The mean takes b away again, so
/// ∂L/∂b is 0: a check must see that, although rounding leaves some 10⁻¹⁶ of it.
///
/// Source: S. Ioffe and C. Szegedy, "Batch normalization", 2015, arXiv:1502.03167.
struct NormalisationOverImagesSpecification: SingleInputSpecification {
  static let typeName = "BatchNorm"
  /// ε, which keeps a variance of 0 from dividing by 0.
  static let epsilon = 1e-5

  func outputShape(for input: Shape) throws(LayerError) -> Shape { input }

  func layer<S>(on backend: some Backend<S>) -> any Layer<S> {
    NormalisationOverImages<S>(specification: self)
  }

  func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] {
    [
      ParameterSpecification(name: "bias", shape: Shape(input[1])),
      ParameterSpecification(name: "scale", shape: Shape(input[1])),
    ]
  }
}

/// The right layer, on inputs of N×C.
struct NormalisationOverImages<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What is known of a channel after the forward pass.
  struct Saved: Sendable {
    /// x̂: N×C.
    var values: Tensor<Scalar>
    /// 1/√(σ² + ε) of each channel.
    var inverseDeviations: [Scalar]
  }

  let specification: NormalisationOverImagesSpecification

  func makeSaved(for input: Shape) throws(LayerError) -> Saved {
    Saved(
      values: Tensor(input), inverseDeviations: Array(repeating: 0, count: input[1]))
  }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    let (images, channels) = (input.shape[0], input.shape[1])
    let count = Scalar(Double(images))
    for c in 0..<channels {
      var (mean, variance): (Scalar, Scalar) = (0, 0)
      for n in 0..<images { mean += (input[n * channels + c] + parameters[0][c]) / count }
      for n in 0..<images {
        let distance = input[n * channels + c] + parameters[0][c] - mean
        saved.values[n * channels + c] = distance
        variance += distance * distance / count
      }
      saved.inverseDeviations[c] = 1 / Scalar.sqrt(variance + Scalar(Self.Specification.epsilon))
      for n in 0..<images {
        saved.values[n * channels + c] *= saved.inverseDeviations[c]
        output[n * channels + c] = parameters[1][c] * saved.values[n * channels + c]
      }
    }
  }

  /// ∂L/∂γ[c] = Σ_n g·x̂,  ∂L/∂in[n,c] = γ/√(σ² + ε) · (g − Σ g/N − x̂·Σ(g·x̂)/N),
  /// ∂L/∂b[c] = Σ_n ∂L/∂in[n,c], where g is ∂L/∂out[n,c].
  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    let (images, channels) = (input.shape[0], input.shape[1])
    if !accumulating {
      for i in parameterGradients.indices { parameterGradients[i].fill(with: 0) }
    }
    let gradient = throughNormalisation(
      outputGradient, parameters[1], saved, dividingBy: Scalar(Double(images)))
    for n in 0..<images {
      for c in 0..<channels {
        let i = n * channels + c
        parameterGradients[0][c] += gradient[i]
        parameterGradients[1][c] += outputGradient[i] * saved.values[i]
      }
    }
    inputGradient.update { $0 = gradient }
  }

  /// ∂L/∂in, with a number in the place of the N that Σ(g·x̂) is divided by.
  func throughNormalisation(
    _ outputGradient: Tensor<Scalar>, _ scale: Tensor<Scalar>, _ saved: Saved,
    dividingBy count: Scalar
  ) -> Tensor<Scalar> {
    let (images, channels) = (outputGradient.shape[0], outputGradient.shape[1])
    var gradient = outputGradient
    for c in 0..<channels {
      var (mean, product): (Scalar, Scalar) = (0, 0)
      for n in 0..<images {
        let i = n * channels + c
        mean += outputGradient[i] / Scalar(Double(images))
        product += outputGradient[i] * saved.values[i] / count
      }
      for n in 0..<images {
        let i = n * channels + c
        gradient[i] =
          scale[c] * saved.inverseDeviations[c]
          * (outputGradient[i] - mean - saved.values[i] * product)
      }
    }
    return gradient
  }
}
