import Fast
import Layers
import Tensors
import Testing

/// What moves in the input moves in the output.
@Suite struct Equivariance {
  /// A picture moved by t strides gives an output moved by t, where no window meets a border.
  @Test func underTranslation() throws {
    try forAllSeeds { cases in
      let (specification, input) = cases.convolution(pad: 0...0)
      try expectTranslated(
        Double.self, &cases, specification, input, stride: specification.stride
      ) {
        $0.convolution(specification)
      }
      for method in PoolingSpecification.Method.allCases {
        var (pooling, input) = cases.pooling(method, pad: 0...0)
        pooling.rounding = .floor
        guard (try? pooling.outputShape(for: input)) != nil else { continue }
        try expectTranslated(Double.self, &cases, pooling, input, stride: pooling.stride) {
          [pooling] in $0.pooling(pooling)
        }
      }
    }
    try forAllSeeds(largeCaseCount) { cases in
      let (specification, input) = cases.convolutionOfManyImages(pad: 0...0)
      try expectTranslated(
        Float.self, &cases, specification, input, stride: specification.stride
      ) {
        $0.convolution(specification)
      }
    }
  }

  private func expectTranslated<Scalar: BLASScalar>(
    _ type: Scalar.Type, _ cases: inout RandomCases, _ specification: some SingleInputSpecification,
    _ input: Shape, stride: Extent, _ make: (any Backend<Scalar>) -> any SingleInputLayer<Scalar>
  ) throws {
    let (down, right) = (cases.integer(0...2), cases.integer(0...2))
    let (dy, dx) = (down * stride.height, right * stride.width)
    let scene: Tensor<Scalar> = cases.whole(
      Shape(input.images, input.channels, input.height + dy, input.width + dx))
    let parameters = try specification.parameters(for: input)
      .map { cases.whole($0.shape) as Tensor<Scalar> }
    for backend in versions(type) {
      let layer = make(backend)
      let whole = try output(layer, scene, parameters)
      let moved = try output(
        layer, scene.taking(rows: dy..<dy + input.height, columns: dx..<dx + input.width),
        parameters)
      expectSame(
        moved,
        whole.taking(
          rows: down..<down + moved.shape.height, columns: right..<right + moved.shape.width),
        "seed \(cases.seed), \(backend.name) \(specification) on \(input), moved by \(dy), \(dx)")
    }
  }

  /// No layer lets images see each other, and to a gradient of parameters their order is nothing.
  /// The sums over images are of whole numbers, exact in any order: these gradients stay the same.
  @Test func underPermutationsOfTheImages() throws {
    try forAllSeeds { cases in
      let (convolution, a) = cases.convolution()
      try expectPermuted(Double.self, &cases, convolution, a) { $0.convolution(convolution) }
      let (maximum, b) = cases.pooling(.maximum)
      try expectPermuted(Double.self, &cases, maximum, b) { $0.pooling(maximum) }
      let (average, c) = cases.pooling(.average)
      try expectPermuted(Double.self, &cases, average, c) { $0.pooling(average) }
      let (lrn, d) = cases.lrn()
      // A value is the last of a row in one place and in the middle of a vector in another, where
      // roots are computed in another way: 8 units in the last place.
      try expectPermuted(Double.self, &cases, lrn, d, within: 0x1p-49) { $0.lrn(lrn) }
      let (innerProduct, e) = cases.innerProduct()
      try expectPermuted(Double.self, &cases, innerProduct, e) { $0.innerProduct(innerProduct) }
      try expectPermuted(Double.self, &cases, ReLUSpecification(), b) {
        $0.relu(ReLUSpecification())
      }
      try expectPermuted(Double.self, &cases, SoftmaxSpecification(), b, within: 0x1p-49) {
        $0.softmax(SoftmaxSpecification())
      }
    }
    try forAllSeeds(largeCaseCount) { cases in
      let (convolution, a) = cases.convolutionOfManyImages()
      try expectPermuted(Float.self, &cases, convolution, a) { $0.convolution(convolution) }
    }
  }

  private func expectPermuted<Scalar: BLASScalar>(
    _ type: Scalar.Type, _ cases: inout RandomCases, _ specification: some SingleInputSpecification,
    _ input: Shape, within relative: Double = 0,
    _ make: (any Backend<Scalar>) -> any SingleInputLayer<Scalar>
  ) throws {
    let order = cases.order(of: input.images)
    let x: Tensor<Scalar> = cases.whole(input)
    let parameters = try specification.parameters(for: input)
      .map { cases.whole($0.shape) as Tensor<Scalar> }
    let upstream: Tensor<Scalar> = cases.whole(try specification.outputShape(for: input))
    for backend in versions(type) {
      let plain = try run(make(backend), x, parameters, upstream: upstream)
      let permuted = try run(
        make(backend), x.permuted(order), parameters, upstream: upstream.permuted(order))
      for (expected, actual) in [
        (plain.output, permuted.output), (plain.gradients.input, permuted.gradients.input),
      ] {
        let difference = expected.permuted(order).largestDifference(to: actual)
        #expect(
          difference <= relative * expected.largestMagnitude,
          "seed \(cases.seed), \(backend.name) \(specification) on \(input): \(difference)")
      }
      for (expected, actual) in zip(plain.gradients.parameters, permuted.gradients.parameters) {
        expectSame(
          expected, actual,
          "seed \(cases.seed), \(backend.name) \(specification) on \(input), parameters")
      }
    }
  }
}

extension Tensor {
  /// The images in another order.
  fileprivate func permuted(_ order: [Int]) -> Tensor {
    let size = shape.imageCount
    return Tensor(shape, order.flatMap { elements[$0 * size..<($0 + 1) * size] })
  }
}
