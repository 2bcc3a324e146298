import Fast
import Layers
import Tensors
import Testing

/// However work is split, the result is the same.
@Suite struct Splitting {
  /// A convolution in groups is that many convolutions side by side.
  @Test func groupsAreSeparateConvolutions() throws {
    try forAllSeeds { cases in
      let (specification, input) = cases.convolution()
      let x: Tensor<Float> = cases.whole(input)
      let shapes = try specification.parameters(for: input).map(\.shape)
      let (weights, bias): (Tensor<Float>, Tensor<Float>) = (
        cases.whole(shapes[0]), cases.whole(shapes[1])
      )
      let upstream: Tensor<Float> = cases.whole(try specification.outputShape(for: input))
      var part = specification
      part.group = 1
      part.outputChannels /= specification.group
      let inputs = input.channels / specification.group
      for backend in versions(Float.self) {
        let whole = try run(
          backend.convolution(specification), x, [weights, bias], upstream: upstream)
        for group in 0..<specification.group {
          let read = Array(group * inputs..<(group + 1) * inputs)
          let written = Array(
            group * part.outputChannels..<(group + 1) * part.outputChannels)
          let own = weights.taking(images: written)
          let alone = try run(
            backend.convolution(part), x.taking(channels: read),
            [own, Tensor(Shape(written.count), written.map { bias[$0] })],
            upstream: upstream.taking(channels: written))
          let label = "seed \(cases.seed), \(backend.name) \(specification) on \(input)"
          expectSame(alone.output, whole.output.taking(channels: written), label)
          expectSame(alone.gradients.input, whole.gradients.input.taking(channels: read), label)
          expectSame(
            alone.gradients.parameters[0], whole.gradients.parameters[0].taking(images: written),
            label)
        }
      }
    }
  }

  /// Numbers whose sums do round: any other order of additions would show.
  @Test func threadsDontChangeABit() throws {
    let engines = [1, 2, 3, 5, 16, 64].map { Engine(threads: $0) }
    try forAllSeeds { cases in
      let (convolution, a) = cases.convolution()
      try expectSameBits(engines, &cases, convolution, a) { $0.convolution(convolution) }
      let (pooling, b) = cases.pooling(.average)
      try expectSameBits(engines, &cases, pooling, b) { $0.pooling(pooling) }
      let (maximum, c) = cases.pooling(.maximum)
      try expectSameBits(engines, &cases, maximum, c) { $0.pooling(maximum) }
      let (lrn, d) = cases.lrn()
      try expectSameBits(engines, &cases, lrn, d) { $0.lrn(lrn) }
      let (innerProduct, e) = cases.innerProduct()
      try expectSameBits(engines, &cases, innerProduct, e) { $0.innerProduct(innerProduct) }
      let dropout = DropoutSpecification(ratio: 0.3)
      try expectSameBits(engines, &cases, dropout, b) { $0.dropout(dropout) }
      try expectSameBits(engines, &cases, SoftmaxSpecification(), b) {
        $0.softmax(SoftmaxSpecification())
      }
    }
  }

  private func expectSameBits(
    _ engines: [Engine], _ cases: inout RandomCases, _ specification: some LayerSpecification,
    _ input: Shape, _ make: (FastBackend<Float>) -> any Layer<Float>
  ) throws {
    let x: Tensor<Float> = cases.normal(input)
    let parameters = try specification.parameters(for: input)
      .map { cases.normal($0.shape) as Tensor<Float> }
    let upstream: Tensor<Float> = cases.normal(try specification.outputShape(for: input))
    let results = try engines.map { engine in
      try run(make(FastBackend(engine: engine)), x, parameters, upstream: upstream)
    }
    for (engine, result) in zip(engines, results).dropFirst() {
      let isSame =
        result.output == results[0].output && result.gradients.input == results[0].gradients.input
        && result.gradients.parameters == results[0].gradients.parameters
      #expect(
        isSame, "seed \(cases.seed), \(specification) on \(input), \(engine.threads) threads")
    }
  }
}
