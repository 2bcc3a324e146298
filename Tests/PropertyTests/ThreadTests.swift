import Layers
import Tensors
import Testing
import Tuned

@testable import Fast

/// Any partition over threads gives the same bits, of numbers whose sums do round: any other order of
/// additions would show.
@Suite struct Threads {
  private let engines = [1, 2, 3, 5, 16, 64].map { Engine(threads: $0) }
  private let relus = [0, 0.25].map { ReLUSpecification(negativeSlope: $0) }

  @Test func dontChangeABitOfSmallLayers() throws {
    try forAllSeeds { cases in
      let (convolution, a) = cases.convolution()
      try expectSameBits(&cases, convolution, a) { $0.convolution(convolution) }
      let (pooling, b) = cases.pooling(.average)
      try expectSameBits(&cases, pooling, b) { $0.pooling(pooling) }
      let (maximum, c) = cases.pooling(.maximum)
      try expectSameBits(&cases, maximum, c) { $0.pooling(maximum) }
      let (lrn, d) = cases.lrn()
      try expectSameBits(&cases, lrn, d) { $0.lrn(lrn) }
      let (innerProduct, e) = cases.innerProduct()
      try expectSameBits(&cases, innerProduct, e) { $0.innerProduct(innerProduct) }
      let dropout = DropoutSpecification(ratio: 0.3)
      try expectSameBits(&cases, dropout, b) { $0.dropout(dropout) }
      try expectSameBits(&cases, SoftmaxSpecification(), b) {
        $0.softmax(SoftmaxSpecification())
      }
    }
  }

  @Test func dontChangeABitOfConvolutionsOfManyImages() throws {
    try forAllSeeds(largeCaseCount) { cases in
      let (specification, input) = cases.convolutionOfManyImages()
      try expectSameBits(&cases, specification, input) { $0.convolution(specification) }
    }
  }

  /// Where Fast cuts by numbers or planes, small inputs are one piece: these are several.
  @Test func dontChangeABitOfLargeLayers() throws {
    try forAllSeeds(largeCaseCount / 5) { cases in
      let input = cases.largeImages()
      #expect(input.count > 2 * Engine.rangeSize)
      for relu in relus {
        try expectSameBits(&cases, relu, input) { $0.relu(relu) }
        try expectSameBitsInPlace(&cases, input) { $0.relu(relu) }
      }
      let dropout = DropoutSpecification(ratio: 0.3)
      try expectSameBits(&cases, dropout, input) { $0.dropout(dropout) }
      try expectSameBitsInPlace(&cases, input) { $0.dropout(dropout) }
      for method in PoolingSpecification.Method.allCases {
        for (kernel, stride) in [(3, 2), (11, 11)] {
          let pooling = PoolingSpecification(
            method, kernel: Extent(kernel), stride: Extent(stride), pad: 1)
          try expectSameBits(&cases, pooling, input) { $0.pooling(pooling) }
        }
      }
      for region in LRNSpecification.Region.allCases {
        let lrn = LRNSpecification(alpha: 0.1, region: region)
        try expectSameBits(&cases, lrn, input) { $0.lrn(lrn) }
      }
      try expectSameBits(&cases, SoftmaxSpecification(), input) {
        $0.softmax(SoftmaxSpecification())
      }
    }
  }

  /// One image, which is multiplied as a vector, and several.
  @Test(arguments: [1, 3, 8, 20]) func dontChangeABitOfLargeInnerProducts(_ images: Int) throws {
    var cases = RandomCases(seed: UInt64(images))
    let specification = InnerProductSpecification(outputs: 1031)
    let input = Shape(images, 1049)
    try expectSameBits(&cases, specification, input) { $0.innerProduct(specification) }
  }

  @Test func dontChangeABitOfTheLoss() throws {
    try forAllSeeds(largeCaseCount / 5) { cases in
      let shape = cases.largeImages()
      let scores: Tensor<Float> = cases.normal(shape)
      let labels = (0..<shape.images * shape.spatialCount).map { _ in
        cases.integer(0...shape.channels - 1)
      }
      let results = try engines.map { engine in
        try lossAndGradient(
          FastBackend<Float>(engine: engine).softmaxWithLoss(
            SoftmaxWithLossSpecification(ignoreLabel: 2)), scores, labels: labels)
      }
      for (engine, result) in zip(engines, results) {
        let isSame = result.loss == results[0].loss && result.gradient == results[0].gradient
        #expect(isSame, "seed \(cases.seed), \(shape), \(engine.threads) threads")
      }
    }
  }

  @Test(arguments: SGDStep.Regularization.allCases)
  func dontChangeABitOfAStep(_ regularization: SGDStep.Regularization) {
    forAllSeeds(largeCaseCount / 5) { cases in
      let shape = cases.largeImages()
      let (weights, earlier, gradient): (Tensor<Float>, Tensor<Float>, Tensor<Float>) = (
        cases.normal(shape), cases.normal(shape), cases.normal(shape)
      )
      let step = SGDStep(
        rate: 0.01, momentum: 0.9, decay: 5e-4, regularization: regularization,
        gradientScale: 0.3)
      let results = engines.map { engine in
        var (parameter, momentumBuffer) = (weights, earlier)
        FastBackend(engine: engine).take(
          step, on: &parameter, momentumBuffer: &momentumBuffer, gradient: gradient)
        return [parameter, momentumBuffer]
      }
      #expect(results[0][0] != weights)
      for (engine, result) in zip(engines, results) {
        #expect(
          result == results[0], "seed \(cases.seed), \(shape), \(engine.threads) threads")
      }
    }
  }

  private func expectSameBits(
    _ cases: inout RandomCases, _ specification: some SingleInputSpecification, _ input: Shape,
    _ make: (any Backend<Float>) throws -> any SingleInputLayer<Float>
  ) throws {
    let x: Tensor<Float> = cases.normal(input)
    let parameters = try specification.parameters(for: input)
      .map { cases.normal($0.shape) as Tensor<Float> }
    let upstream: Tensor<Float> = cases.normal(try specification.outputShape(for: input))
    let versions: [(Engine) -> any Backend<Float>] = [
      { FastBackend(engine: $0) }, { TunedBackend(engine: $0) },
    ]
    for version in versions {
      let results = try engines.map { engine in
        try run(try make(version(engine)), x, parameters, upstream: upstream)
      }
      for (engine, result) in zip(engines, results).dropFirst() {
        let isSame =
          result.output == results[0].output
          && result.gradients.input == results[0].gradients.input
          && result.gradients.parameters == results[0].gradients.parameters
        #expect(
          isSame,
          """
          \(version(engine).name), seed \(cases.seed), \(specification) on \(input), \
          \(engine.threads) threads
          """)
      }
    }
  }

  private func expectSameBitsInPlace(
    _ cases: inout RandomCases, _ input: Shape,
    _ make: (FastBackend<Float>) -> any InPlaceLayer<Float>
  ) throws {
    let (x, upstream): (Tensor<Float>, Tensor<Float>) = (cases.normal(input), cases.normal(input))
    let results = try engines.map { engine in
      try runInPlace(make(FastBackend(engine: engine)), x, upstream: upstream)
    }
    #expect(results[0][0] != x)
    for (engine, result) in zip(engines, results) {
      #expect(
        result == results[0], "seed \(cases.seed), in place on \(input), \(engine.threads) threads")
    }
  }

  /// Both passes in one memory.
  private func runInPlace<L: InPlaceLayer>(
    _ layer: L, _ x: Tensor<L.Scalar>, upstream: Tensor<L.Scalar>
  ) throws -> [Tensor<L.Scalar>] {
    var (data, gradient) = (x, upstream)
    var saved = try layer.makeSaved(for: x.shape)
    var context = RunContext()
    layer.forward(inPlace: &data, context: &context, saved: &saved)
    layer.backward(inPlace: &gradient, output: data, saved: saved)
    return [data, gradient]
  }
}
