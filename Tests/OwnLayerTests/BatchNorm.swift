import Layers
import RealModule
import Tensors

/// Batch normalisation with running means (Ioffe and Szegedy 2015, arXiv:1502.03167).
///
///     y = γ[c]·x̂ + β[c],   x̂ = (x − µ[c]) / √(σ²[c] + ε)
///
/// In training µ and σ² are those of the batch, in testing the running ones.
struct BatchNormSpecification: SingleInputSpecification {
  static let typeName = "BatchNorm"

  var epsilon = 1e-5
  /// The share of the batch's mean in the next running mean.
  var momentum = 0.1

  func outputShape(for input: Shape) throws(LayerError) -> Shape { input }

  func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] {
    let shape = Shape(input.channels)
    return [
      ParameterSpecification(name: "scale", shape: shape, initialValue: 1),
      ParameterSpecification(name: "shift", shape: shape),
      ParameterSpecification(name: "mean", shape: shape, isLearned: false),
      ParameterSpecification(name: "variance", shape: shape, initialValue: 1, isLearned: false),
    ]
  }

  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { BatchNorm<S>(specification: self) }
}

struct BatchNorm<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification: BatchNormSpecification

  struct Saved: Sendable {
    /// x̂, shaped like the input.
    var normalised: Tensor<Scalar>
    /// Of each channel: µ, σ² and 1/√(σ² + ε).
    var mean, variance, inverseDeviation: [Scalar]
    var isTraining = true
  }

  func makeSaved(for input: Shape) throws(LayerError) -> Saved {
    let zeros = [Scalar](repeating: 0, count: input.channels)
    return Saved(
      normalised: Tensor(input), mean: zeros, variance: zeros, inverseDeviation: zeros)
  }

  /// The positions of a channel in all images.
  private func positions(of channel: Int, in shape: Shape) -> [Int] {
    (0..<shape.images).flatMap { image in
      let start = (image * shape.channels + channel) * shape.spatialCount
      return start..<start + shape.spatialCount
    }
  }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    saved.isTraining = context.phase == .training
    for c in 0..<input.shape.channels {
      let places = positions(of: c, in: input.shape)
      var (mean, variance) = (parameters[2][c], parameters[3][c])
      if saved.isTraining {
        let count = Scalar(Double(places.count))
        mean = places.reduce(0) { $0 + input[$1] } / count
        variance = places.reduce(0) { $0 + (input[$1] - mean) * (input[$1] - mean) } / count
      }
      let inverse = 1 / Scalar.sqrt(variance + Scalar(specification.epsilon))
      (saved.mean[c], saved.variance[c], saved.inverseDeviation[c]) = (mean, variance, inverse)
      for i in places {
        saved.normalised[i] = (input[i] - mean) * inverse
        output[i] = parameters[0][c] * saved.normalised[i] + parameters[1][c]
      }
    }
  }

  /// ∂L/∂x = γ/√(σ² + ε) · (g − Σg/n − x̂·Σ(g·x̂)/n) with g = ∂L/∂y; in testing the two sums are left out.
  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    if !accumulating {
      for number in 0..<2 { parameterGradients[number].fill(with: 0) }
    }
    for c in 0..<input.shape.channels {
      let places = positions(of: c, in: input.shape)
      let sum = places.reduce(0) { $0 + outputGradient[$1] }
      let product = places.reduce(0) { $0 + outputGradient[$1] * saved.normalised[$1] }
      parameterGradients[0][c] += product
      parameterGradients[1][c] += sum
      let factor = parameters[0][c] * saved.inverseDeviation[c]
      let share: Scalar = saved.isTraining ? 1 / Scalar(Double(places.count)) : 0
      inputGradient.update { gradient in
        for i in places {
          gradient[i] =
            factor * (outputGradient[i] - share * (sum + saved.normalised[i] * product))
        }
      }
    }
  }

  func updateState(_ parameters: inout [Tensor<Scalar>], saved: Saved) {
    let new = Scalar(specification.momentum)
    for c in saved.mean.indices {
      parameters[2][c] += new * (saved.mean[c] - parameters[2][c])
      parameters[3][c] += new * (saved.variance[c] - parameters[3][c])
    }
  }
}
