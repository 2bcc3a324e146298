import Fast
import Layers
import Tensors
import Testing

/// Groups of channels don't see each other.
@Suite struct Groups {
  /// A convolution in groups is that many convolutions side by side.
  @Test func groupsAreSeparateConvolutions() throws {
    try forAllSeeds { cases in
      let (specification, input) = cases.convolution()
      try expectSeparable(&cases, specification, input)
    }
    try forAllSeeds(largeCaseCount) { cases in
      let (specification, input) = cases.convolutionOfManyImages()
      try expectSeparable(&cases, specification, input)
    }
  }

  private func expectSeparable(
    _ cases: inout RandomCases, _ specification: ConvolutionSpecification, _ input: Shape
  ) throws {
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
        let written = Array(group * part.outputChannels..<(group + 1) * part.outputChannels)
        let alone = try run(
          backend.convolution(part), x.taking(channels: read),
          [weights.taking(images: written), bias.taking(written)],
          upstream: upstream.taking(channels: written))
        let label = "seed \(cases.seed), \(backend.name) \(specification) on \(input)"
        expectSame(alone.output, whole.output.taking(channels: written), label)
        expectSame(alone.gradients.input, whole.gradients.input.taking(channels: read), label)
        expectSame(
          alone.gradients.parameters[0], whole.gradients.parameters[0].taking(images: written),
          "\(label), weights")
        expectSame(
          alone.gradients.parameters[1], whole.gradients.parameters[1].taking(written),
          "\(label), bias")
      }
    }
  }
}

extension Tensor {
  /// Some numbers of a vector.
  fileprivate func taking(_ indices: [Int]) -> Tensor {
    Tensor(Shape(indices.count), indices.map { self[$0] })
  }
}
