import Fast
import Layers
import Tensors
import Testing

/// A layer with hyper-parameters, ready for every version.
struct Kind: Sendable, CustomTestStringConvertible {
  let specification: any SingleInputSpecification

  static let all: [Kind] = specifications.map { Kind(specification: $0) }

  private static let specifications: [any SingleInputSpecification] = [
    ConvolutionSpecification(outputChannels: 6, kernel: 3, pad: 1),
    ConvolutionSpecification(outputChannels: 5, kernel: 1),
    ConvolutionSpecification(outputChannels: 4, kernel: 1, stride: 2),
    // Tuned convolves these directly; with a stride, forwards only.
    ConvolutionSpecification(outputChannels: 17, kernel: 3, pad: 1),
    ConvolutionSpecification(outputChannels: 16, kernel: 3, stride: 2, pad: 2),
    PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1),
    PoolingSpecification(.average, kernel: 3, stride: 2, pad: 1),
    PoolingSpecification(global: .average),
    LRNSpecification(), LRNSpecification(localSize: 3, region: .withinChannel),
    InnerProductSpecification(outputs: 7), ReLUSpecification(negativeSlope: 0.5),
    DropoutSpecification(),
    SoftmaxSpecification(),
  ]

  var testDescription: String { "\(specification)" }

  /// Both passes on every version, at whole numbers unless an input and an upstream gradient are
  /// given. The same seed gives the same parameters.
  func results<Scalar: BLASScalar>(
    on input: Shape, at x: Tensor<Scalar>? = nil, upstream: Tensor<Scalar>? = nil,
    seed: UInt64 = 1
  ) throws -> [Results<Scalar>] {
    var cases = RandomCases(seed: seed)
    let parameters = try specification.parameters(for: input)
      .map { cases.whole($0.shape) as Tensor<Scalar> }
    let x = x ?? cases.whole(input)
    let upstream = try upstream ?? cases.whole(specification.outputShape(for: input))
    return try versions(Scalar.self).map {
      let made = try specification.layer(on: $0)
      let layer = try #require(made as? any SingleInputLayer<Scalar>)
      let result = try run(layer, x, parameters, upstream: upstream)
      return Results(
        output: result.output, inputGradient: result.gradients.input,
        parameterGradients: result.gradients.parameters)
    }
  }
}

/// What both passes of a layer yield.
struct Results<Scalar: Tensors.Scalar> {
  var output: Tensor<Scalar>
  var inputGradient: Tensor<Scalar>
  var parameterGradients: [Tensor<Scalar>]

  var tensors: [(name: String, tensor: Tensor<Scalar>)] {
    [("output", output), ("input gradient", inputGradient)]
      + parameterGradients.enumerated().map { ("gradient of parameter \($0)", $1) }
  }
}

@Suite struct Extremes {
  @Test(arguments: Kind.all)
  func anEmptyBatchGivesEmptyResults(_ kind: Kind) throws {
    for result: Results<Float> in try kind.results(on: Shape(0, 17, 5, 5)) {
      #expect(result.output.count == 0 && result.output.shape.images == 0)
      #expect(result.inputGradient.count == 0)
      // No image, no gradient: 0, and not what was in the memory.
      for gradient in result.parameterGradients { #expect(gradient.largestMagnitude == 0) }
    }
  }

  /// 1024 images at once give what each gives alone, and of the parameters the sum of their gradients:
  /// sums of whole numbers, the same in any order.
  @Test(arguments: Kind.all)
  func aLargeBatchIsManyImages(_ kind: Kind) throws {
    // Its mask goes on from image to image, as it does from channel to channel.
    if kind.specification is DropoutSpecification { return try expectOneMask(kind) }
    let (one, many) = (Shape(1, 16, 3, 3), Shape(1024, 16, 3, 3))
    var cases = RandomCases(seed: 9)
    let x: Tensor<Float> = cases.whole(many)
    let upstream: Tensor<Float> = cases.whole(try kind.specification.outputShape(for: many))
    let large = try kind.results(on: many, at: x, upstream: upstream)
    var sums = large.map { $0.parameterGradients.map { Tensor<Float>($0.shape) } }
    for n in 0..<1024 {
      let alone = try kind.results(on: one, at: try x.image(n), upstream: try upstream.image(n))
      for (version, (whole, alone)) in zip(large, alone).enumerated() {
        for (i, gradient) in alone.parameterGradients.enumerated() {
          sums[version][i] = sums[version][i].combined(1, gradient, 1)
        }
        // Softmax and LRN take roots and quotients in vectors here and one by one there: 3 units in
        // the last place.
        for ((name, whole), (_, alone)) in zip(whole.tensors, alone.tensors).prefix(2) {
          let difference = try whole.image(n).largestDifference(to: alone)
          #expect(difference <= 4e-7 * alone.largestMagnitude, "\(kind), image \(n), \(name)")
        }
      }
    }
    for (whole, sums) in zip(large, sums) {
      for (gradient, sum) in zip(whole.parameterGradients, sums) {
        expectSame(gradient, sum, "\(kind), parameters")
      }
    }
  }

  private func expectOneMask(_ kind: Kind) throws {
    let many: [Results<Float>] = try kind.results(on: Shape(1024, 6, 3, 3))
    let one: [Results<Float>] = try kind.results(on: Shape(1, 6 * 1024, 3, 3))
    for result in many + one {
      #expect(result.output.elements == one[0].output.elements)
      #expect(result.inputGradient.elements == one[0].inputGradient.elements)
    }
  }

  /// Single pixels, and counts of images, channels, rows and columns that no vector width divides.
  @Test(
    arguments: Kind.all,
    [
      Shape(1, 1, 1, 1), Shape(2, 3, 1, 1), Shape(3, 17, 1, 1), Shape(1, 31, 2, 1),
      Shape(2, 1, 7, 13), Shape(1, 7, 11, 5), Shape(5, 13, 3, 17), Shape(1, 37, 1, 41),
      Shape(7, 17, 1, 1), Shape(15, 31, 2, 1), Shape(8, 19, 3, 5), Shape(23, 37, 1, 4),
    ])
  func oddSizesAgree(_ kind: Kind, on input: Shape) throws {
    expectAgreement(try kind.results(on: input) as [Results<Float>], "\(kind) on \(input)")
    expectAgreement(try kind.results(on: input) as [Results<Double>], "\(kind) on \(input)")
  }

  /// Denormal numbers are computed with, not flushed to 0.
  @Test(arguments: Kind.all, [Shape(2, 5, 6, 6), Shape(8, 17, 3, 3)])
  func denormalsAgree(_ kind: Kind, on input: Shape) throws {
    try expectDenormalAgreement(kind, on: input, scale: 0x1p-133 as Float)
    try expectDenormalAgreement(kind, on: input, scale: 0x1p-1029 as Double)
  }

  private func expectDenormalAgreement<Scalar: BLASScalar>(
    _ kind: Kind, on input: Shape, scale: Scalar
  ) throws {
    var cases = RandomCases(seed: 3)
    let whole: Tensor<Scalar> = cases.whole(input)
    let x = Tensor(input, whole.elements.map { $0 * scale })
    #expect(x.largestMagnitude > 0 && x.largestMagnitude < Scalar.leastNormalMagnitude.doubleValue)
    let results = try kind.results(on: input, at: x)
    // Flushed to 0 in both versions, they would agree as well.
    for (name, tensor) in results[1].tensors { #expect(tensor.largestMagnitude > 0, "\(name)") }
    expectAgreement(results, "\(kind) on \(input)")
    let output = try kind.specification.outputShape(for: input)
    let upstream: Tensor<Scalar> = cases.whole(output)
    expectAgreement(
      try kind.results(
        on: input, at: whole, upstream: Tensor(output, upstream.elements.map { $0 * scale })),
      "\(kind) on \(input), upstream")
  }

  /// Infinities and NaN end up in the same places of all versions. What becomes of a NaN in a
  /// window's maximum depends on the order of comparisons, which is pinned for both.
  @Test(
    arguments: Kind.all.flatMap { kind in
      [Float.infinity, -.infinity, .nan].map { (kind, $0) }
    }, [Shape(2, 6, 7, 7), Shape(7, 17, 3, 4)])
  func numbersThatAreNotFiniteAgree(_ kindAndSpecial: (Kind, Float), on input: Shape) throws {
    let (kind, special) = kindAndSpecial
    for seed in 1...UInt64(20) {
      let label = "\(kind) on \(input), \(special), seed \(seed)"
      try expectAgreement(kind, on: input, special: special, seed: seed, label)
      try expectAgreement(kind, on: input, special: Double(special), seed: seed, label)
    }
  }

  private func expectAgreement<Scalar: BLASScalar>(
    _ kind: Kind, on input: Shape, special: Scalar, seed: UInt64, _ label: String
  ) throws {
    var cases = RandomCases(seed: seed)
    var x: Tensor<Scalar> = cases.whole(input)
    for _ in 0..<3 { x[cases.integer(0...x.count - 1)] = special }
    expectAgreement(try kind.results(on: input, at: x, seed: seed), label)
  }

  /// Expects all versions to agree, where they are finite, up to 83 units in the last place of the
  /// largest number, less than 1e-5 in `Float`: sums of whole numbers are exact, LRN's powers and
  /// softmax's exponentials are each off by a few units, and LRN's gradient adds up what a window of
  /// them yields. Where all numbers are denormal, that is less than the least number: they are the same.
  private func expectAgreement<Scalar: BLASScalar>(
    _ results: [Results<Scalar>], _ label: String
  ) {
    let unit = Scalar.ulpOfOne.doubleValue
    for other in results.dropFirst() {
      for ((name, expected), (_, actual)) in zip(results[0].tensors, other.tensors) {
        let finite = expected.elements.filter(\.isFinite).reduce(0) { max($0, abs($1.doubleValue)) }
        let difference = expected.largestDifference(to: actual)
        #expect(
          difference <= 83 * unit * finite,
          "\(label), \(Scalar.self): \(name) differs by \(difference)")
      }
    }
  }
}

extension Tensor {
  /// Image n by itself.
  fileprivate func image(_ n: Int) throws -> Tensor {
    let size = shape.imageCount
    return Tensor(
      try Shape(checking: [1] + shape.dimensions.dropFirst()),
      Array(elements[n * size..<(n + 1) * size]))
  }
}
