import Fast
import Layers
import Tensors
import Testing

/// Convolution and inner product without bias are linear in the input, and in the weights; so are
/// their backward passes in the upstream gradient.
@Suite struct Linearity {
  @Test func ofConvolution() throws {
    try forAllSeeds { cases in
      let (specification, input) = cases.convolution(hasBias: false)
      try expectLinear(Float.self, &cases, specification, input) { $0.convolution(specification) }
      try expectLinear(Double.self, &cases, specification, input) { $0.convolution(specification) }
    }
  }

  @Test func ofConvolutionOfManyImages() throws {
    try forAllSeeds(largeCaseCount) { cases in
      let (specification, input) = cases.convolutionOfManyImages(hasBias: false)
      try expectLinear(Float.self, &cases, specification, input) { $0.convolution(specification) }
    }
  }

  @Test func ofInnerProduct() throws {
    try forAllSeeds { cases in
      let (specification, input) = cases.innerProduct(hasBias: false)
      try expectLinear(Float.self, &cases, specification, input) { $0.innerProduct(specification) }
      try expectLinear(Double.self, &cases, specification, input) { $0.innerProduct(specification) }
    }
  }

  private func expectLinear<Scalar: BLASScalar>(
    _ type: Scalar.Type, _ cases: inout RandomCases, _ specification: some SingleInputSpecification,
    _ shape: Shape, _ make: (any Backend<Scalar>) -> any SingleInputLayer<Scalar>
  ) throws {
    let weights = try specification.parameters(for: shape)[0].shape
    let outputShape = try specification.outputShape(for: shape)
    let (x, y): (Tensor<Scalar>, Tensor<Scalar>) = (cases.whole(shape), cases.whole(shape))
    let (v, w): (Tensor<Scalar>, Tensor<Scalar>) = (cases.whole(weights), cases.whole(weights))
    let (up, other): (Tensor<Scalar>, Tensor<Scalar>) = (
      cases.whole(outputShape), cases.whole(outputShape)
    )
    for backend in versions(type) {
      let layer = make(backend)
      let label = "seed \(cases.seed), \(backend.name) \(specification) on \(shape)"
      let ofX = try run(layer, x, [v], upstream: up)
      let ofY = try output(layer, y, [v])
      expectSame(
        try output(layer, x.combined(2, y, -3), [v]), ofX.output.combined(2, ofY, -3),
        "\(label), in the input")
      expectSame(
        try output(layer, x, [v.combined(2, w, -3)]),
        ofX.output.combined(2, try output(layer, x, [w]), -3), "\(label), in the weights")
      let mixed = try run(layer, x, [v], upstream: up.combined(2, other, -3)).gradients
      let byOther = try run(layer, x, [v], upstream: other).gradients
      expectSame(
        mixed.input, ofX.gradients.input.combined(2, byOther.input, -3), "\(label), backwards")
      expectSame(
        mixed.parameters[0],
        ofX.gradients.parameters[0].combined(2, byOther.parameters[0], -3),
        "\(label), backwards to the weights")
    }
  }
}
