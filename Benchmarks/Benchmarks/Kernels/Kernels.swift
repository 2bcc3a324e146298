import Benchmark
import Fast
import Layers
import Reference
import Tensors
import Tuned

// The kernels of CaffeNet's layers, each on the shape that it has there, eight images a batch.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .throughput], warmupIterations: 2, maxDuration: .seconds(2))
  let images = 8

  // The matrix products that convolutions and inner products come down to: the roof. By the kernel
  // that the layers use, by the same without its care for the caches, and by OpenBLAS.
  for (name, rows, columns, inner) in [
    ("conv1", 96, 3025, 363), ("conv2, a group", 128, 729, 1200), ("conv3", 384, 169, 2304),
    ("conv4, a group", 192, 169, 1728), ("conv5, a group", 128, 169, 1728),
    ("fc6, batch 64", 64, 4096, 9216),
  ] {
    gemm("GEMM \(name)", rows, columns, inner, by: .fastest)
    gemm("GEMM \(name), not cached", rows, columns, inner, by: .fastestWithoutCaching)
    gemm("GEMM \(name), OpenBLAS", rows, columns, inner, by: .openBLAS)
  }

  // On one thread by im2col and its product too: what that takes beyond the GEMM above, once for each
  // image and group, is im2col's.
  let alone = Engine(threads: 1)
  for (name, convolution, input) in [
    (
      "conv1", ConvolutionSpecification(outputChannels: 96, kernel: 11, stride: 4),
      Shape(images, 3, 227, 227)
    ),
    (
      "conv2", ConvolutionSpecification(outputChannels: 256, kernel: 5, pad: 2, group: 2),
      Shape(images, 96, 27, 27)
    ),
    (
      "conv3", ConvolutionSpecification(outputChannels: 384, kernel: 3, pad: 1),
      Shape(images, 256, 13, 13)
    ),
  ] {
    both("convolution \(name)", Tuned.Convolution<Float>(convolution), input)
    both(
      "convolution \(name) by columns", Fast.Convolution<Float>(convolution, engine: alone),
      input)
  }
  let pooling = PoolingSpecification(.maximum, kernel: 3, stride: 2)
  both("max pooling pool1", Tuned.Pooling<Float>(pooling), Shape(images, 96, 55, 55))
  let lrn = LRNSpecification(localSize: 5, alpha: 1e-4, beta: 0.75)
  both("LRN norm1", Tuned.LRN<Float>(lrn), Shape(images, 96, 27, 27))
  both("ReLU relu1", Tuned.ReLU<Float>(ReLUSpecification()), Shape(images, 96, 55, 55))
  both("softmax", Tuned.Softmax<Float>(SoftmaxSpecification()), Shape(images, 1000))

  tricks(images: images)

  for (name, backend) in [
    ("fused", FastBackend<Float>() as any Backend<Float>), ("naive", ReferenceBackend<Float>()),
  ] {
    Benchmark("SGD fc7, \(name)") { benchmark in
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

/// The benchmark of a matrix product.
private func gemm(
  _ name: String, _ rows: Int, _ columns: Int, _ inner: Int, by kernel: ProductKernel
) {
  Benchmark(name) { benchmark in
    let a = [Float](repeating: 1, count: rows * inner)
    let b = [Float](repeating: 1, count: inner * columns)
    var c = [Float](repeating: 0, count: rows * columns)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      c.withUnsafeMutableBufferPointer { c in
        guard let c = c.baseAddress else { return }
        Float.gemm(
          rows: rows, columns: columns, inner: inner, a, stride: inner, transposed: false,
          b, stride: columns, transposed: false, into: c, stride: columns, adding: false,
          by: kernel)
      }
    }
    blackHole(c)
  }
}
