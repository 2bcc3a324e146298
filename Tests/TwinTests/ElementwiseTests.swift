import Fast
import Layers
import Reference
import Tensors
import Testing

private let shapes = [Shape(1, 7), Shape(3, 5, 4, 3), Shape(2, 3, 131, 127), Shape(0, 4), Shape()]

@Suite("ReLU: Reference and Fast agree")
struct ReLUTests {
  @Test(arguments: shapes, [0, 0.1, -0.5])
  func agree(_ shape: Shape, slope: Double) throws {
    try compare(shape, slope, Float.self)
    try compare(shape, slope, Double.self)
  }

  private func compare<Scalar: BLASScalar>(
    _ shape: Shape, _ slope: Double, _ type: Scalar.Type
  ) throws {
    let specification = ReLUSpecification(negativeSlope: slope)
    let reference = Reference.ReLU<Scalar>(specification)
    try TwinTests.compare(
      Case("slope \(slope)", specification, shape), type, tolerance: .none, reference: reference,
      fast: { Fast.ReLU<Scalar>(specification, engine: $0) })
    let data = try Data<Scalar>(specification, shape)
    for engine in engines {
      let fast = Fast.ReLU<Scalar>(specification, engine: engine)
      #expect(fast.inPlaceObstacle == reference.inPlaceObstacle)
      expectAgreement(
        try runInPlace(reference, on: data), try runInPlace(fast, on: data), .none, "in place")
    }
  }

  @Test("NaN, infinities and zeros", arguments: [0, 0.1, -0.5])
  func extremes(slope: Double) throws {
    let specification = ReLUSpecification(negativeSlope: slope)
    let values: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, -1]
    // Often enough to meet vectors and what remains behind them.
    let input = Tensor(Shape(values.count * 13), (0..<13).flatMap { _ in values })
    let reference = Reference.ReLU<Float>(specification)
    let fast = Fast.ReLU<Float>(specification)
    let expected = try reference.forward(input)
    let actual = try fast.forward(input)
    #expect(expected.output.largestDifference(to: actual.output) == 0)
    let upstream = Tensor<Float>(input.shape, repeating: 3)
    let expectedGradient = try reference.backward(upstream, input: input, after: expected)
    let actualGradient = try fast.backward(upstream, input: input, after: actual)
    #expect(expectedGradient.input == actualGradient.input)
  }
}

@Suite("Dropout: Reference and Fast agree")
struct DropoutTests {
  @Test(arguments: shapes, [0.5, 0.1])
  func agree(_ shape: Shape, ratio: Double) throws {
    try compare(shape, ratio, Float.self)
    try compare(shape, ratio, Double.self)
  }

  private func compare<Scalar: BLASScalar>(
    _ shape: Shape, _ ratio: Double, _ type: Scalar.Type
  ) throws {
    let specification = DropoutSpecification(ratio: ratio)
    let reference = Reference.Dropout<Scalar>(specification)
    try TwinTests.compare(
      Case("ratio \(ratio)", specification, shape), type, tolerance: .none, reference: reference,
      fast: { Fast.Dropout<Scalar>(specification, engine: $0) })
    let data = try Data<Scalar>(specification, shape)
    for engine in engines {
      for phase in Phase.allCases {
        let way = Way(phase: phase)
        let fast = Fast.Dropout<Scalar>(specification, engine: engine)
        expectAgreement(
          try runInPlace(reference, on: data, way), try runInPlace(fast, on: data, way), .none,
          "in place, \(phase)")
      }
    }
  }

  @Test("Both leave the random numbers at the same place")
  func randomness() {
    let specification = DropoutSpecification()
    let reference = contextAfter(Reference.Dropout<Float>(specification))
    #expect(contextAfter(Fast.Dropout<Float>(specification)) == reference)
    #expect(reference != RunContext(seed: 3))
  }

  private func contextAfter(_ layer: some InPlaceLayer<Float>) -> RunContext? {
    var context = RunContext(seed: 3)
    var data = Tensor<Float>(Shape(3, 7), repeating: 1)
    guard var saved = try? layer.makeSaved(for: data.shape) else { return nil }
    layer.forward(inPlace: &data, context: &context, saved: &saved)
    return context
  }
}
