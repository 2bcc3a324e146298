import BLASCalls
import Fast
import LayerCases
import Layers
import Networks
import Tensors
import Testing

/// Every convolution and inner product of Fast multiplies by OpenBLAS.
///
/// The functions of BLAS that Fast calls here are those of `Tests/BLASCalls`, which count and call
/// OpenBLAS's. They count for each thread, and an engine of one thread stays on that of the test.
@Suite("Calls of OpenBLAS")
struct BLASCallTests {
  private static let convolutions: [(ConvolutionSpecification, Shape)] = [
    (ConvolutionSpecification(outputChannels: 1, kernel: 1), Shape(1, 1, 1, 1)),
    (ConvolutionSpecification(outputChannels: 48, kernel: 3, pad: 1), Shape(16, 16, 13, 13)),
    (ConvolutionSpecification(outputChannels: 7, kernel: 11, stride: 4), Shape(2, 3, 35, 39)),
    (
      ConvolutionSpecification(
        outputChannels: 4, kernel: 3, pad: 2, dilation: Extent(height: 2, width: 3), group: 2),
      Shape(3, 4, 9, 10)
    ),
    (
      ConvolutionSpecification(outputChannels: 6, kernel: 3, group: 6, hasBias: false),
      Shape(1, 6, 5, 5)
    ),
    (ConvolutionSpecification(outputChannels: 2, kernel: 7, pad: 3), Shape(2, 2, 2, 1)),
  ]

  /// In each pass, with and without a gradient of the input.
  @Test(arguments: convolutions)
  func ofConvolutions(_ specification: ConvolutionSpecification, _ input: Shape) throws {
    let engine = Engine(threads: 1)
    try expectCalls(
      Fast.Convolution<Float>(specification, engine: engine), input, of: \.sgemm, besides: [])
    try expectCalls(
      Fast.Convolution<Double>(specification, engine: engine), input, of: \.dgemm, besides: [])
  }

  @Test(arguments: [1, 2, 20], [true, false])
  func ofInnerProducts(images: Int, hasBias: Bool) throws {
    let engine = Engine(threads: 1)
    let specification = InnerProductSpecification(outputs: 300, hasBias: hasBias)
    let input = Shape(images, 3, 5, 2)
    // With one image, its weights' gradient is the product of two matrices all the same.
    try expectCalls(
      Fast.InnerProduct<Float>(specification, engine: engine), input,
      of: images == 1 ? \.sgemv : \.sgemm, besides: images == 1 ? [\.sgemm] : [])
    try expectCalls(
      Fast.InnerProduct<Double>(specification, engine: engine), input,
      of: images == 1 ? \.dgemv : \.dgemm, besides: images == 1 ? [\.dgemm] : [])
  }

  /// What each product of a network is: of an image and a group, or of a block of an inner product.
  @Test(arguments: [1, 3])
  func ofANetwork(images: Int) throws {
    let expected = try expectedCalls(of: mini(), images: images)
    let float = try calls(of: mini(), Float.self, images: images)
    #expect(float == [expected.gemm, 0, expected.gemv, 0])
    let double = try calls(of: mini(), Double.self, images: images)
    #expect(double == [0, expected.gemm, 0, expected.gemv])
  }

  /// Calls of a forward and a backward pass, by counts of `BLASCalls`.
  private func calls<Scalar: BLASScalar>(
    of definition: NetworkDefinition, _ type: Scalar.Type, images: Int
  ) throws -> [Int] {
    let network = try Network(
      definition, backend: FastBackend<Scalar>(engine: Engine(threads: 1)), batch: images)
    var generator = SplitMix64(seed: 1)
    try network.load(
      images: .normal(network.input.shape, using: &generator),
      labels: [Int](repeating: 0, count: images))
    let before = blas_calls()
    try network.forward()
    network.backward()
    let after = blas_calls()
    return Self.counts.map { after[keyPath: $0] - before[keyPath: $0] }
  }

  private static let counts = [
    \BLASCalls.sgemm, \BLASCalls.dgemm, \BLASCalls.sgemv, \BLASCalls.dgemv,
  ]

  private func expectedCalls(
    of definition: NetworkDefinition, images: Int
  ) throws -> (gemm: Int, gemv: Int) {
    var (gemm, gemv) = (0, 0)
    var isFirst = true
    let plan = try NetworkPlan(definition, batch: images)
    for (definition, layer) in zip(definition.layers, plan.layers) {
      // The gradient of the weights, and but for the images that of the input.
      let gradients = isFirst ? 1 : 2
      let specification = definition.specification
      if let specification = specification as? ConvolutionSpecification {
        isFirst = false
        // Bands of whole rows, of at most 512 positions.
        let rows = 512 / layer.output.width
        let bands = (layer.output.height + rows - 1) / rows
        gemm += images * specification.group * bands * (1 + gradients)
      } else if let specification = specification as? InnerProductSpecification {
        let inputs = specification.inputs(for: layer.input)
        let (rows, columns) = ((specification.outputs + 255) / 256, (inputs + 255) / 256)
        gemm += images == 1 ? rows : 2 * rows + columns
        gemv += images == 1 ? rows + columns : 0
      }
    }
    return (gemm, gemv)
  }

  /// Expects calls of one product in each pass, and none of others but those named.
  private func expectCalls<L: Layer>(
    _ layer: L, _ input: Shape, of product: KeyPath<BLASCalls, Int>,
    besides others: [KeyPath<BLASCalls, Int>],
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws where L.Scalar: BLASScalar {
    let data = try LayerData<L.Scalar>(layer.specification, input)
    for options in PassOptions.all {
      let before = blas_calls()
      _ = try layer.forward(data.inputs, parameters: data.parameters)
      let between = blas_calls()
      _ = try run(layer, on: data, options)
      let after = blas_calls()
      let forward = between[keyPath: product] - before[keyPath: product]
      let both = after[keyPath: product] - between[keyPath: product]
      #expect(forward > 0, "\(layer.specification) on \(input)", sourceLocation: sourceLocation)
      let backward =
        ([product] + others).map { after[keyPath: $0] - between[keyPath: $0] }
        .reduce(0, +) - forward
      #expect(both >= forward && backward > 0, "\(options)", sourceLocation: sourceLocation)
      for other in Self.counts where other != product && !others.contains(other) {
        #expect(after[keyPath: other] == before[keyPath: other], sourceLocation: sourceLocation)
      }
    }
  }
}
