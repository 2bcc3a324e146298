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

  @Test func ofInnerProduct() throws {
    try forAllSeeds { cases in
      let (specification, input) = cases.innerProduct(hasBias: false)
      try expectLinear(Float.self, &cases, specification, input) { $0.innerProduct(specification) }
      try expectLinear(Double.self, &cases, specification, input) { $0.innerProduct(specification) }
    }
  }

  private func expectLinear<Scalar: FastScalar>(
    _ type: Scalar.Type, _ cases: inout RandomCases, _ specification: some LayerSpecification,
    _ shape: Shape, _ make: (any Backend<Scalar>) -> any Layer<Scalar>
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
      let ofY = try run(layer, y, [v], upstream: other)
      expectSame(
        try output(layer, x.combined(2, y, -3), [v]), ofX.output.combined(2, ofY.output, -3),
        "\(label), in the input")
      expectSame(
        try output(layer, x, [v.combined(2, w, -3)]),
        ofX.output.combined(2, try output(layer, x, [w]), -3), "\(label), in the weights")
      expectSame(
        try run(layer, x, [v], upstream: up.combined(2, other, -3)).gradients.input,
        ofX.gradients.input.combined(2, ofY.gradients.input, -3), "\(label), backwards")
    }
  }
}
