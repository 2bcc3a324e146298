import Layers
import RealModule
import Tensors

/// A ReLU whose slope below 0 is learned, one for each channel (He et al. 2015, arXiv:1502.01852).
struct PReLUSpecification: SingleInputSpecification {
  static let typeName = "PReLU"

  func outputShape(for input: Shape) throws(LayerError) -> Shape { input }

  func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] {
    [ParameterSpecification(name: "slopes", shape: Shape(input.channels), initialValue: 0.25)]
  }

  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { PReLU<S>() }
}

struct PReLU<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification = PReLUSpecification()

  private func channel(of position: Int, in shape: Shape) -> Int {
    position / shape.spatialCount % shape.channels
  }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count {
      let slope = parameters[0][channel(of: i, in: input.shape)]
      output[i] = input[i] > 0 ? input[i] : slope * input[i]
    }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    if !accumulating { parameterGradients[0].fill(with: 0) }
    for i in 0..<input.count where !(input[i] > 0) {
      parameterGradients[0][channel(of: i, in: input.shape)] += outputGradient[i] * input[i]
    }
    inputGradient.update { gradient in
      for i in 0..<input.count {
        let slope = input[i] > 0 ? 1 : parameters[0][channel(of: i, in: input.shape)]
        gradient[i] = slope * outputGradient[i]
      }
    }
  }
}

/// x·Φ(x) in the approximation by tanh (Hendrycks and Gimpel 2016, arXiv:1606.08415).
struct GELUSpecification: SingleInputSpecification {
  static let typeName = "GELU"

  func outputShape(for input: Shape) throws(LayerError) -> Shape { input }
  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { GELU<S>() }
}

struct GELU<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification = GELUSpecification()

  /// tanh(√(2/π)·(x + 0.044715·x³)) and the derivative of its argument.
  private func parts(_ x: Scalar) -> (tanh: Scalar, slope: Scalar) {
    let (scale, cubic) = (Scalar((2 / Double.pi).squareRoot()), Scalar(0.044715))
    return (.tanh(scale * (x + cubic * x * x * x)), scale * (1 + 3 * cubic * x * x))
  }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count { output[i] = Scalar(0.5) * input[i] * (1 + parts(input[i]).tanh) }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<input.count {
        let (tanh, slope) = parts(input[i])
        let derivative = 1 + tanh + input[i] * (1 - tanh * tanh) * slope
        gradient[i] = Scalar(0.5) * derivative * outputGradient[i]
      }
    }
  }
}
