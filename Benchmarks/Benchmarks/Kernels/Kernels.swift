import Benchmark
import Fast
import Layers
import Reference
import Tensors
import Tuned

// What each algorithm of Tuned gains over what it is in the place of, on the shapes of CaffeNet's
// layers and on one thread: one benchmark for Tuned's version and one for Fast's, one after the other.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .throughput], warmupIterations: 2, maxDuration: .seconds(2))
  let engine = Engine(threads: 1)
  let backends: [any Backend<Float>] = [
    FastBackend<Float>(engine: engine), TunedBackend(engine: engine),
  ]

  // Direct, NHWC, beside im2col and OpenBLAS: of one image, whose positions are the rows of a tile, and
  // of eight, which are rows themselves.
  for (name, specification, shape) in [
    ("conv1", ConvolutionSpecification(outputChannels: 96, kernel: 11, stride: 4), [3, 227, 227]),
    (
      "conv2", ConvolutionSpecification(outputChannels: 256, kernel: 5, pad: 2, group: 2),
      [96, 27, 27]
    ),
    ("conv3", ConvolutionSpecification(outputChannels: 384, kernel: 3, pad: 1), [256, 13, 13]),
  ] {
    for images in [1, 8] {
      for backend in backends {
        both(
          "convolution \(name), \(images) images, \(backend.name)",
          backend.convolution(specification), Shape(images, shape[0], shape[1], shape[2]))
      }
    }
  }

  // An inner product for each plan: dot products, images in a vector, and the matrix product with
  // packing beside OpenBLAS's.
  for images in [1, 16, 64] {
    for backend in backends {
      both(
        "inner product fc6, \(images) images, \(backend.name)",
        backend.innerProduct(InnerProductSpecification(outputs: 4096)), Shape(images, 9216))
    }
  }

  // The sliding maximum beside windows one by one, and x^−¾ by Newton's method beside a power.
  for backend in backends {
    both(
      "max pooling pool1, \(backend.name)",
      backend.pooling(PoolingSpecification(.maximum, kernel: 3, stride: 2)), Shape(8, 96, 55, 55))
    both(
      "LRN norm1, \(backend.name)",
      backend.lrn(LRNSpecification(localSize: 5, alpha: 1e-4, beta: 0.75)), Shape(8, 96, 27, 27))
  }

  // What leaving out the gradient of the images gains.
  let conv1 = TunedBackend(engine: engine).convolution(
    ConvolutionSpecification(outputChannels: 96, kernel: 11, stride: 4))
  for (name, isNeeded) in [("without", false), ("with", true)] {
    open(
      "conv1 backward \(name) the gradient of the images", conv1, Shape(8, 3, 227, 227),
      isForward: false, needsInputGradient: isNeeded)
  }

  // Fast's step in one pass over memory, beside the formulas of Reference.
  for backend in [FastBackend<Float>() as any Backend<Float>, ReferenceBackend<Float>()] {
    Benchmark("SGD fc7, \(backend.name)") { benchmark in
      let shape = Shape(4096, 4096)
      var (parameter, momentumBuffer) = (Tensor<Float>(shape), Tensor<Float>(shape))
      let gradient = Tensor<Float>(shape, repeating: 1e-3)
      let step = SGDStep(rate: 0.01, momentum: 0.9, decay: 5e-4)
      benchmark.startMeasurement()
      for _ in benchmark.scaledIterations {
        backend.take(step, on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient)
      }
      blackHole(parameter)
    }
  }
}

/// Benchmarks of a layer's forward and backward pass.
private func both(_ name: String, _ layer: any SingleInputLayer<Float>, _ input: Shape) {
  open("\(name), forward", layer, input, isForward: true)
  open("\(name), backward", layer, input, isForward: false)
}

/// `pass`, of a layer whose type only the backend knows.
private func open(
  _ name: String, _ layer: any SingleInputLayer<Float>, _ input: Shape, isForward: Bool,
  needsInputGradient: Bool = true
) {
  func inner<L: SingleInputLayer>(_ layer: L) {
    pass(name, layer, input, isForward: isForward, needsInputGradient: needsInputGradient)
  }
  inner(layer)
}
