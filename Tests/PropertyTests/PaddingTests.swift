import Fast
import Layers
import Reference
import Tensors
import Testing
import Tuned

/// What meets the padding where numbers are not finite.
///
/// By im2col, Fast multiplies weights and upstream gradients by the padding's zeros, as Caffe does, and
/// infinity times 0 is NaN. Reference leaves these terms out.
@Suite struct InfinitiesAtThePadding {
  /// NaN is additional only where the padding is, and everything else is the same.
  @Test func ofColumnsAddNaNThereAlone() throws {
    let double = FastBackend<Double>()
    let float = FastBackend<Float>()
    var additional = [0, 0]
    func expect(
      _ cases: inout RandomCases, _ specification: ConvolutionSpecification, _ input: Shape
    ) throws {
      additional[0] += try additionalNaN(&cases, specification, input, float)
      additional[1] += try additionalNaN(&cases, specification, input, double)
    }
    try forAllSeeds { cases in
      let (specification, input) = cases.convolution()
      try expect(&cases, specification, input)
    }
    try forAllSeeds(largeCaseCount) { cases in
      let (specification, input) = cases.convolutionOfManyImages()
      try expect(&cases, specification, input)
    }
    // Were there none, the documentation would say too much.
    #expect(additional.allSatisfy { $0 > 0 })
  }

  /// The rows of a tile of Tuned's direct convolution are images, and then nothing is additional, or
  /// positions as well, of which some may see the padding where others see the input.
  @Test func ofTunedAddNaNThereAlone() throws {
    var additional = 0
    func expect(
      _ cases: inout RandomCases, _ specification: ConvolutionSpecification, _ input: Shape
    ) throws {
      additional += try additionalNaN(
        &cases, specification, input, TunedBackend(isExact: true))
    }
    try forAllSeeds { cases in
      let (specification, input) = cases.convolution()
      try expect(&cases, specification, input)
    }
    try forAllSeeds(largeCaseCount) { cases in
      let (specification, input) = cases.convolutionOfManyImages()
      try expect(&cases, specification, input)
    }
    #expect(additional > 0)
  }

  /// Runs both versions at an infinite weight or one that is NaN, and at such an upstream gradient, and
  /// expects them to agree but for NaN in Fast where the infinity meets the padding.
  ///
  /// - Returns: how many such NaN there are.
  private func additionalNaN<Scalar: BLASScalar>(
    _ cases: inout RandomCases, _ specification: ConvolutionSpecification, _ input: Shape,
    _ fast: any Backend<Scalar>
  ) throws -> Int {
    let x: Tensor<Scalar> = cases.whole(input)
    let shapes = try specification.parameters(for: input).map(\.shape)
    var parameters: [Tensor<Scalar>] = shapes.map { cases.whole($0) }
    var upstream: Tensor<Scalar> = cases.whole(try specification.outputShape(for: input))
    let label = "seed \(cases.seed), \(specification) on \(input) in \(Scalar.self)"
    let infinity = [Scalar.infinity, -.infinity, .nan][cases.integer(0...2)]
    func results() throws -> [(output: Tensor<Scalar>, gradients: Gradients<Scalar>)] {
      let backends: [any Backend<Scalar>] = [ReferenceBackend<Scalar>(), fast]
      return try backends.map {
        try run($0.convolution(specification), x, parameters, upstream: upstream)
      }
    }

    let finite = parameters[0]
    let weight = Place(cases.integer(0...finite.count - 1), in: finite.shape)
    parameters[0][weight.index] = infinity
    var both = try results()
    var count = expectAllBut(both[0].output, both[1].output, label) { place in
      place.second == weight.first && isPadding(specification, input, weight, at: place)
    }
    expectSame(both[0].gradients.input, both[1].gradients.input, "\(label), input")

    parameters[0] = finite
    let position = Place(cases.integer(0...upstream.count - 1), in: upstream.shape)
    upstream[position.index] = infinity
    both = try results()
    count += expectAllBut(both[0].gradients.parameters[0], both[1].gradients.parameters[0], label) {
      $0.first == position.second && isPadding(specification, input, $0, at: position)
    }
    expectSame(both[0].gradients.input, both[1].gradients.input, "\(label), input")
    expectSame(both[0].gradients.parameters[1], both[1].gradients.parameters[1], "\(label), bias")
    return count
  }

  /// Expects two tensors to hold the same numbers, but for NaN in the second at some places.
  ///
  /// - Returns: at how many.
  private func expectAllBut<Scalar: BLASScalar>(
    _ expected: Tensor<Scalar>, _ actual: Tensor<Scalar>, _ label: String,
    where mayBeNaN: (Place) -> Bool
  ) -> Int {
    var (count, wrong) = (0, 0)
    for i in 0..<expected.count {
      if expected[i] == actual[i] || expected[i].isNaN && actual[i].isNaN { continue }
      if actual[i].isNaN && mayBeNaN(Place(i, in: expected.shape)) {
        count += 1
      } else {
        wrong += 1
      }
    }
    #expect(wrong == 0, "\(label): \(wrong) of \(expected.shape) differ")
    return count
  }

  /// Whether a weight lies in the padding where the window stands at an output position.
  private func isPadding(
    _ specification: ConvolutionSpecification, _ input: Shape, _ weight: Place, at output: Place
  ) -> Bool {
    let (stride, pad, dilation) = (
      specification.stride, specification.pad, specification.dilation
    )
    let y = output.row * stride.height + weight.row * dilation.height - pad.height
    let x = output.column * stride.width + weight.column * dilation.width - pad.width
    return !(0..<input.height).contains(y) || !(0..<input.width).contains(x)
  }
}

/// A place in a tensor of rank 4.
private struct Place {
  let index, first, second, row, column: Int

  init(_ index: Int, in shape: Shape) {
    self.index = index
    column = index % shape.width
    row = index / shape.width % shape.height
    second = index / shape.spatialCount % shape.channels
    first = index / shape.imageCount
  }
}
