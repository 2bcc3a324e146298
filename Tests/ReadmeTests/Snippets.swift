// The code of README.md, compiled and run. DocumentationTests looks it up here.

import AlexNet

/// Trains on nothing yet: one batch of noise, forwards and backwards, on two versions.
func runBothVersions() throws -> (naive: Float, fast: Float) {
  let naive = try Network(mini(), backend: ReferenceBackend<Float>(), batch: 2, seed: 1)
  let fast = try Network(
    mini(), backend: FastBackend<Float>(), batch: 2, seed: 1, parameters: naive.parameters)

  var generator = SplitMix64(seed: 7)
  let images = Tensor<Float>.normal(naive.input.shape, deviation: 50, using: &generator)
  for network in [naive, fast] {
    try network.load(images: images, labels: [3, 8])
    try network.forward()
    network.backward()
  }
  // Every blob and gradient can be looked at: naive.blob("conv2"), fast.gradient(of: "pool1"), …
  return (naive.loss, fast.loss)
}

import GradientChecking
import Layers

/// y = x³, and what its author believes to be the derivative.
struct Cube: SingleInputLayer {
  struct Specification: SingleInputSpecification {
    static let typeName = "Cube"
    func outputShape(for input: Shape) -> Shape { input }
  }

  let specification = Specification()
  /// 3, if the author is right.
  var factor = 3.0

  func forward(
    _ input: Tensor<Double>, parameters: [Tensor<Double>], context: inout RunContext,
    output: inout Tensor<Double>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count { output[i] = input[i] * input[i] * input[i] }
  }

  func backward(
    outputGradient: Tensor<Double>, input: Tensor<Double>, output: Tensor<Double>,
    parameters: [Tensor<Double>], saved: NothingSaved, inputGradient: inout Tensor<Double>?,
    parameterGradients: inout [Tensor<Double>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<input.count {
        gradient[i] = factor * input[i] * input[i] * outputGradient[i]
      }
    }
  }
}

func checkCube(factor: Double) throws -> GradientReport {
  try check(Cube(factor: factor), input: Shape(2, 3))
}
