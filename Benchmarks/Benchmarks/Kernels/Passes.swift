import Benchmark
import Layers
import Tensors

/// The benchmark of one pass of a layer, on normally distributed numbers.
///
/// - Parameter needsInputGradient: whether the backward pass computes the input's gradient too.
func pass<L: SingleInputLayer>(
  _ name: String, _ layer: L, _ input: Shape, isForward: Bool, needsInputGradient: Bool = true
) {
  Benchmark(name) { benchmark in
    var generator = SplitMix64(seed: 1)
    let x = Tensor<L.Scalar>.normal(input, using: &generator)
    let parameters = try layer.specification.parameters(for: input).map {
      Tensor<L.Scalar>.normal($0.shape, deviation: 0.01, using: &generator)
    }
    var context = RunContext()
    var y = Tensor<L.Scalar>(try layer.specification.outputShape(for: input))
    var saved = try layer.makeSaved(for: input)
    var inputGradient: Tensor<L.Scalar>? = needsInputGradient ? Tensor(input) : nil
    var gradients = parameters.map { Tensor<L.Scalar>($0.shape) }
    layer.forward(x, parameters: parameters, context: &context, output: &y, saved: &saved)
    let upstream = y
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      if isForward {
        layer.forward(x, parameters: parameters, context: &context, output: &y, saved: &saved)
      } else {
        layer.backward(
          outputGradient: upstream, input: x, output: y, parameters: parameters, saved: saved,
          inputGradient: &inputGradient, parameterGradients: &gradients, accumulating: false)
      }
    }
    blackHole(y)
    blackHole(gradients)
  }
}
