// The code of Sources/Layers/Documentation.docc/AddALayer.md.
import GradientChecking
import Layers
import Networks
import Tensors

/// Scale: each channel times a number that is learned.
struct ScaleSpecification: SingleInputSpecification {
  static let typeName = "Scale"

  func outputShape(for input: Shape) throws(LayerError) -> Shape {
    guard input.rank == 4 else {
      throw LayerError(layer: Self.typeName, value: "input \(input)", rule: "must have 4 axes")
    }
    return input
  }

  func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] {
    [ParameterSpecification(name: "weights", shape: Shape(input.channels), initialValue: 1)]
  }

  func layer<S>(on backend: some Backend<S>) -> any Layer<S> { Scale<S>() }
}

/// out[n,c,y,x] = w[c] · in[n,c,y,x]
struct Scale<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification = ScaleSpecification()

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count {
      output[i] = parameters[0][channel(of: i, in: input.shape)] * input[i]
    }
  }

  /// ∂L/∂in = w[c] · ∂L/∂out, and ∂L/∂w[c] = Σ ∂L/∂out · in over the channel of all images.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    if !accumulating { parameterGradients[0].fill(with: 0) }
    for i in 0..<input.count {
      parameterGradients[0][channel(of: i, in: input.shape)] += outputGradient[i] * input[i]
    }
    inputGradient.update { gradient in
      for i in 0..<input.count {
        gradient[i] = parameters[0][channel(of: i, in: input.shape)] * outputGradient[i]
      }
    }
  }

  private func channel(of position: Int, in shape: Shape) -> Int {
    position / shape.spatialCount % shape.channels
  }
}

func checkScale() throws -> GradientReport {
  try check(Scale<Double>(), input: Shape(2, 3, 4, 4), exact: Scale<Dual<Double>>())
}

func scaledNetwork() -> NetworkDefinition {
  var net = NetworkBuilder(name: "scaled", channels: 3, height: 8, width: 8)
  let scale = net.add("scale", ScaleSpecification(), net.data)
  let scores = net.fullyConnected("fc", scale, outputs: 5, weights: .msra(), bias: 0)
  net.softmaxWithLoss("loss", scores)
  return net.definition
}
