import Benchmark
import Fast
import Layers
import Networks
import Tensors

/// What a trick gains: the same work with it and without it, one after the other.
///
/// Only what can be left out through the public interface is here; for the rest compare two
/// checkouts.
func tricks() {
  let images = 8

  // x^−¾ by Newton's method. With any other power LRN has to ask the library.
  let norm1 = Shape(images, 96, 27, 27)
  for (name, beta) in [("with", 0.75), ("without", 0.7500001)] {
    let lrn = LRNSpecification(localSize: 5, alpha: 1e-4, beta: beta)
    pass(
      "trick, power without pow: \(name), norm1 forward", Fast.LRN<Float>(lrn), norm1,
      isForward: true)
  }

  // No gradient for the images.
  let conv1 = Fast.Convolution<Float>(.init(outputChannels: 96, kernel: 11, stride: 4))
  for (name, isNeeded) in [("with", false), ("without", true)] {
    pass(
      "trick, no gradient for the images: \(name), conv1 backward", conv1,
      Shape(images, 3, 227, 227), isForward: false, needsInputGradient: isNeeded)
  }

  // Few images: weights at the speed of memory. One image more than 16 goes through OpenBLAS, so
  // the second is to be at most 17/16 of the first.
  let fc7 = Fast.InnerProduct<Float>(.init(outputs: 4096))
  for (name, count) in [("with, 16 images", 16), ("without, 17 images", 17)] {
    pass(
      "trick, few images in lanes: \(name), fc7 forward", fc7, Shape(count, 4096), isForward: true)
  }

  // A ReLU in the pass that writes the output, and gradients of blobs that are forgotten.
  for (name, isFused) in [("with", true), ("without", false)] {
    Benchmark("trick, fused ReLU: \(name), CaffeNet forward and backward") { benchmark in
      let network = try Network(
        caffenet(), backend: FastBackend<Float>(), batch: images, fusing: isFused)
      var generator = SplitMix64(seed: 1)
      try network.load(
        images: .normal(network.input.shape, deviation: 50, using: &generator),
        labels: Array(0..<images))
      try network.forward()
      network.backward()
      benchmark.startMeasurement()
      for _ in benchmark.scaledIterations {
        try network.forward()
        network.backward()
      }
      blackHole(network.loss)
    }
  }
}
