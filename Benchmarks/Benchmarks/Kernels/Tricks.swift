import Benchmark
import Fast
import Layers
import Tensors
import Tuned

/// What a trick gains: the same work with it and without it, one after the other.
///
/// Here are those that no engine can leave out, since they lie in what a layer is asked for or in a
/// loop that several share; `walkthrough compare --tricks` measures the others.
func tricks(images: Int) {
  // No gradient for the images.
  let conv1 = Tuned.Convolution<Float>(.init(outputChannels: 96, kernel: 11, stride: 4))
  for (name, isNeeded) in [("with", false), ("without", true)] {
    pass(
      "trick, no gradient for the images: \(name), conv1 backward", conv1,
      Shape(images, 3, 227, 227), isForward: false, needsInputGradient: isNeeded)
  }

  // A ReLU in vectors that are spelled out, beside the loop that the compiler makes of the formula.
  // Backwards, since forwards in place there would be no negative numbers left the second time.
  let shape = Shape(images, 96, 55, 55)
  var generator = SplitMix64(seed: 1)
  let output = Tensor<Float>.normal(shape, using: &generator)
  let relu = Tuned.ReLU<Float>(ReLUSpecification(), engine: Engine(threads: 1))
  Benchmark("trick, vectors of a ReLU: with, relu1 backward in place") { benchmark in
    var gradient = Tensor<Float>(shape, repeating: 1)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      relu.backward(inPlace: &gradient, output: output, saved: NothingSaved())
    }
    blackHole(gradient)
  }
  let signs = (0..<output.count).map { output[$0] }
  Benchmark("trick, vectors of a ReLU: without, relu1 backward in place") { benchmark in
    var gradient = [Float](repeating: 1, count: signs.count)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      for i in 0..<signs.count { gradient[i] = signs[i] > 0 ? gradient[i] : 0 }
    }
    blackHole(gradient)
  }
}
