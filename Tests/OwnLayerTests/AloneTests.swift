import GradientChecking
import Layers
import Tensors
import Testing

@Suite("Layers of one's own, checked alone")
struct AloneTests {
  private func expectRight(_ report: GradientReport, _ tensors: [String]) {
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    #expect(report.tensors.map(\.tensor) == tensors)
    // Against dual numbers: the same function, differentiated exactly; sums of a few dozen terms.
    #expect(report.tensors.allSatisfy { $0.dualRelativeError ?? .infinity <= 1e-11 })
  }

  @Test func prelu() throws {
    let shape = Shape(2, 3, 3, 4)
    expectRight(
      try check(PReLU<Double>(), input: shape, exact: PReLU<Dual<Double>>()), ["input", "slopes"])
  }

  @Test func gelu() throws {
    expectRight(
      try check(GELU<Double>(), input: Shape(3, 5), exact: GELU<Dual<Double>>()), ["input"])
  }

  /// State isn't checked as a parameter, and doesn't count as one that isn't accumulated.
  @Test(arguments: Phase.allCases) func batchNorm(_ phase: Phase) throws {
    let specification = BatchNormSpecification()
    expectRight(
      try check(
        BatchNorm<Double>(specification: specification), input: Shape(3, 2, 3, 3),
        exact: BatchNorm<Dual<Double>>(specification: specification),
        options: CheckOptions(phase: phase)),
      ["input", "scale", "shift"])
  }

  @Test func sum() throws {
    expectRight(
      try check(
        Sum<Double>(), inputs: [Shape(2, 3), Shape(2, 3), Shape(2, 3)], exact: Sum<Dual<Double>>()),
      ["input 1", "input 2", "input 3"])
  }

  @Test(arguments: [1, 0.3]) func squaredError(_ weight: Double) throws {
    let specification = SquaredErrorSpecification(lossWeight: weight)
    let report = try check(
      SquaredError<Double>(specification: specification), inputs: [Shape(4, 3), Shape(4, 3)],
      exact: SquaredError<Dual<Double>>(specification: specification))
    expectRight(report, ["input 1", "input 2"])
    #expect(report.tensors.allSatisfy { $0.layer == "EuclideanLoss" })
  }

  /// A loss with weight 1 that overlooks its output's gradient: difference quotients can't see it.
  @Test func aGradientThatIsOverlooked() throws {
    let report = try check(ForgetfulLoss(), input: Shape(2, 3))
    #expect(!report.passed)
    #expect(report.violations.map(\.rule) == [.isProportionalToOutputGradient])
  }

  @Test func aPointOfAnotherShape() {
    let error = #expect(throws: CheckError.self) {
      try check(GELU<Double>(), input: Shape(2, 3), at: Tensor(Shape(5)))
    }
    #expect(error?.reason == "the point has inputs of shapes [5] and must have [2×3]")
  }

  @Test func tooManyInputs() {
    let error = #expect(throws: LayerError.self) {
      try check(GELU<Double>(), inputs: [Shape(2), Shape(2)])
    }
    #expect(error?.description == "GELU: 2 inputs must be 1 for this type of layer")
  }
}

/// Σx, whose gradient is that of the output. This one takes it for 1.
private struct ForgetfulLoss: SingleInputLayer {
  struct Specification: SingleInputSpecification {
    static let typeName = "Forgetful"
    let lossWeight = 1.0
    func outputShape(for input: Shape) -> Shape { Shape() }
  }

  let specification = Specification()

  func forward(
    _ input: Tensor<Double>, parameters: [Tensor<Double>], context: inout RunContext,
    output: inout Tensor<Double>, saved: inout NothingSaved
  ) {
    output[0] = input.elements.reduce(0, +)
  }

  func backward(
    outputGradient: Tensor<Double>, input: Tensor<Double>, output: Tensor<Double>,
    parameters: [Tensor<Double>], saved: NothingSaved, inputGradient: inout Tensor<Double>?,
    parameterGradients: inout [Tensor<Double>], accumulating: Bool
  ) {
    inputGradient.update { $0.fill(with: 1) }
  }
}
