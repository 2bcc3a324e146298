import Fast
import Layers
import Tensors
import Testing

/// A layer with hyper-parameters, ready for either version.
struct Kind: Sendable, CustomTestStringConvertible {
  let specification: any LayerSpecification
  let float: @Sendable (any Backend<Float>) -> any Layer<Float>

  var testDescription: String { "\(specification)" }

  static let all =
    [
      ConvolutionSpecification(outputChannels: 6, kernel: 3, pad: 1),
      ConvolutionSpecification(outputChannels: 5, kernel: 1),
      ConvolutionSpecification(outputChannels: 4, kernel: 1, stride: 2),
    ].map { specification in Kind(specification: specification) { $0.convolution(specification) } }
    + [
      PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1),
      PoolingSpecification(.average, kernel: 3, stride: 2, pad: 1),
      PoolingSpecification(global: .average),
    ].map { specification in Kind(specification: specification) { $0.pooling(specification) } }
    + [LRNSpecification(), LRNSpecification(localSize: 3, region: .withinChannel)]
    .map { specification in Kind(specification: specification) { $0.lrn(specification) } }
    + [
      Kind(specification: InnerProductSpecification(outputs: 7)) {
        $0.innerProduct(InnerProductSpecification(outputs: 7))
      },
      Kind(specification: ReLUSpecification(negativeSlope: 0.5)) {
        $0.relu(ReLUSpecification(negativeSlope: 0.5))
      },
      Kind(specification: DropoutSpecification()) { $0.dropout(DropoutSpecification()) },
      Kind(specification: SoftmaxSpecification()) { $0.softmax(SoftmaxSpecification()) },
    ]

  /// Both passes on both versions, at whole numbers unless an input is given.
  func results(
    on input: Shape, at x: Tensor<Float>? = nil, seed: UInt64 = 1
  ) throws -> [(output: Tensor<Float>, gradients: Gradients<Float>)] {
    var cases = RandomCases(seed: seed)
    let x = x ?? cases.whole(input)
    let parameters = try specification.parameters(for: input)
      .map { cases.whole($0.shape) as Tensor<Float> }
    let upstream: Tensor<Float> = cases.whole(try specification.outputShape(for: input))
    return try versions(Float.self).map { try run(float($0), x, parameters, upstream: upstream) }
  }
}

@Suite struct Extremes {
  @Test(arguments: Kind.all)
  func anEmptyBatchGivesEmptyResults(_ kind: Kind) throws {
    for result in try kind.results(on: Shape(0, 3, 5, 5)) {
      #expect(result.output.count == 0 && result.output.shape.images == 0)
      #expect(result.gradients.input.count == 0)
      // No image, no gradient: 0, and not what was in the memory.
      for gradient in result.gradients.parameters { #expect(gradient.largestMagnitude == 0) }
    }
  }

  @Test func aLossOfNoImagesIsZero() throws {
    for backend in versions(Float.self) {
      let loss = backend.softmaxWithLoss(SoftmaxWithLossSpecification())
      let result = try lossAndGradient(loss, Tensor(Shape(0, 5)), labels: [])
      #expect(result.loss == 0 && result.gradient.count == 0)
    }
  }

  /// 1024 images at once give what each gives alone.
  @Test(arguments: Kind.all)
  func aLargeBatchIsManyImages(_ kind: Kind) throws {
    // Its mask goes on from image to image.
    if kind.specification is DropoutSpecification { return }
    let (one, many) = (Shape(1, 3, 4, 4), Shape(1024, 3, 4, 4))
    var cases = RandomCases(seed: 9)
    let x: Tensor<Float> = cases.whole(many)
    let large = try kind.results(on: many, at: x)
    for n in [0, 1, 511, 1023] {
      let image = Tensor(one, Array(x.elements[n * 48..<(n + 1) * 48]))
      for (whole, alone) in zip(large, try kind.results(on: one, at: image)) {
        let size = alone.output.count
        let part = Tensor(
          alone.output.shape, Array(whole.output.elements[n * size..<(n + 1) * size]))
        // Softmax and LRN take roots and quotients in vectors here and one by one there.
        #expect(
          part.largestDifference(to: alone.output) <= 4e-7 * alone.output.largestMagnitude)
      }
    }
  }

  /// Single pixels, and counts of channels, rows and columns that no vector width divides.
  @Test(
    arguments: Kind.all,
    [
      Shape(1, 1, 1, 1), Shape(2, 3, 1, 1), Shape(3, 17, 1, 1), Shape(1, 31, 2, 1),
      Shape(2, 1, 7, 13), Shape(1, 7, 11, 5), Shape(5, 13, 3, 17), Shape(1, 37, 1, 41),
    ])
  func oddSizesAgree(_ kind: Kind, on input: Shape) throws {
    let results = try kind.results(on: input)
    expectAgreement(results, within: 1e-5, "\(kind) on \(input)")
  }

  /// Denormal numbers are computed with, not flushed to 0.
  @Test(arguments: Kind.all)
  func denormalsAgree(_ kind: Kind) throws {
    let input = Shape(2, 5, 6, 6)
    var cases = RandomCases(seed: 3)
    let whole: Tensor<Float> = cases.whole(input)
    let x = Tensor(input, whole.elements.map { $0 * 0x1p-133 })
    #expect(x.largestMagnitude > 0)
    expectAgreement(try kind.results(on: input, at: x), within: 1e-5, "\(kind)")
  }

  /// Infinities and NaN end up in the same places of both versions. What becomes of a NaN in a
  /// window's maximum depends on the order of comparisons, which is pinned for both.
  @Test(arguments: Kind.all, [Float.infinity, -.infinity, .nan])
  func numbersThatAreNotFiniteAgree(_ kind: Kind, _ special: Float) throws {
    let input = Shape(2, 6, 7, 7)
    for seed in 1...20 {
      var cases = RandomCases(seed: UInt64(seed))
      var x: Tensor<Float> = cases.whole(input)
      for _ in 0..<3 { x[cases.integer(0...x.count - 1)] = special }
      let results = try kind.results(on: input, at: x, seed: UInt64(seed))
      expectAgreement(results, within: 1e-5, "\(kind), \(special), seed \(seed)")
    }
  }

  private func expectAgreement(
    _ results: [(output: Tensor<Float>, gradients: Gradients<Float>)], within tolerance: Double,
    _ label: String
  ) {
    let (naive, fast) = (results[0], results[1])
    let pairs = [
      ("output", naive.output, fast.output),
      ("input gradient", naive.gradients.input, fast.gradients.input),
    ]
    for (name, expected, actual) in pairs {
      let finite = expected.elements.filter(\.isFinite).reduce(0) { max($0, abs(Double($1))) }
      let difference = expected.largestDifference(to: actual)
      #expect(difference <= tolerance * finite, "\(label): \(name) differs by \(difference)")
    }
  }
}

/// Sizes that don't fit: they are refused with a reason, or counted right, and never wrapped.
@Suite struct HugeShapes {
  private static let huge = Int(Int32.max)

  @Test func countsBeyond31BitsAreRight() throws {
    let input = Shape(3, 1, 1 << 15, 1 << 15)
    #expect(try ReLUSpecification().outputShape(for: input).count == 3 << 30)
    let pooling = PoolingSpecification(.maximum, kernel: 1)
    #expect(try pooling.outputShape(for: input).count == 3 << 30)
    let innerProduct = InnerProductSpecification(outputs: 4)
    #expect(try innerProduct.parameters(for: input)[0].shape.count == 4 << 30)
    let convolution = ConvolutionSpecification(outputChannels: 8, kernel: 1)
    #expect(try convolution.outputShape(for: input).count == 24 << 30)
    #expect(try convolution.multiplyAccumulates(for: input) == 24 << 30)
  }

  /// OpenBLAS counts rows and columns in 32 bits, and the positions of maxima are kept in them.
  @Test func matricesAndPlanesBeyond31BitsAreRefused() {
    let wide = Shape(1, 4, 1 << 16, 1 << 16)
    #expect(throws: LayerError.self) {
      try ConvolutionSpecification(outputChannels: 2, kernel: 1).outputShape(for: wide)
    }
    #expect(throws: LayerError.self) {
      try InnerProductSpecification(outputs: 2).outputShape(for: wide)
    }
    #expect(throws: LayerError.self) {
      try InnerProductSpecification(outputs: 2, axis: 3)
        .outputShape(for: Shape(1 << 16, 1, 1 << 16, 2))
    }
    #expect(throws: LayerError.self) {
      try PoolingSpecification(.maximum, kernel: 2).outputShape(for: wide)
    }
    let deep = Shape(1, Self.huge, 4, 4)
    #expect(throws: LayerError.self) {
      try ConvolutionSpecification(outputChannels: 1, kernel: 2).outputShape(for: deep)
    }
  }

  @Test func countsBeyond63BitsAreRefused() {
    #expect(throws: ShapeError.self) {
      try Shape(checking: [Self.huge, Self.huge, Self.huge])
    }
    #expect(throws: LayerError.self) {
      try ConvolutionSpecification(
        outputChannels: Self.huge, kernel: 1, pad: Extent(1 << 29)
      ).outputShape(for: Shape(1 << 20, 1, 1, 1))
    }
  }
}
