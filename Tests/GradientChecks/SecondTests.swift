import Fast
import GradientChecking
import LayerCases
import Layers
import NetworkChecking
import Networks
import RealModule
import Reference
import Tensors
import Testing

@Suite("Second derivatives")
struct SecondDerivatives {
  /// What has a kink at a point of equal numbers has no second derivative there.
  static let cases = LayerGradients.tables.flatMap(\.cases).filter {
    guard $0.inputs[0].count > 0, (try? $0.elementCount()) ?? 0 <= 400 else { return false }
    switch $0.point {
    case .normal, .scaled: return true
    case .integers, .constant: return false
    }
  }

  @Test("of every layer are symmetric, and those that its gradient has")
  func ofLayers() throws {
    for entry in Self.cases {
      for backend in versions {
        let layer = try entry.specification.layer(on: backend)
        let report = try checkSecond(
          layer, inputs: entry.inputs, labels: entry.labels, at: entry.point(seed: 1),
          exact: entry.specification.layer(on: exactVersion), version: backend.name,
          options: CheckOptions(mode: .sampled(4), directions: 1, phase: entry.phase))
        let passed = report.passed
        #expect(passed, "\(entry.testDescription): \(report.explanation)")
        #expect(report.symmetries.count == 1)
      }
    }
  }

  @Test("of a whole network with respect to its parameters and images")
  func ofATinyNetwork() throws {
    for backend in versions {
      let report = try checkSecond(
        NetworkGradients.network(on: backend), images: true, exact: exactVersion,
        options: CheckOptions(mode: .sampled(5), directions: 1))
      let passed = report.passed
      #expect(passed, "\(report.explanation)")
      #expect(report.quotients.tensors.count == 9)
      // Were the Hessian 0, all would agree.
      #expect(report.symmetries.allSatisfy { abs($0.first) > 1e4 * $0.bar })
    }
  }

  @Test("of mini as it is trained")
  func ofMini() throws {
    let network = try Network(mini(), backend: FastBackend<Double>(), batch: 1, seed: 2)
    var generator = SplitMix64(seed: 12)
    try network.load(images: .normal(network.input.shape, using: &generator), labels: [7])
    let report = try checkSecond(
      network, exact: exactVersion,
      options: CheckOptions(mode: .sampled(1), directions: 1, isEconomical: true))
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    #expect(report.quotients.tensors.count == 16)
  }

  @Test("of a function of one's own")
  func ofAFunction() throws {
    let (function, exact) = Quartic.pair
    let report = try checkSecond(function, exact: exact)
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    #expect(report.explanation.isEmpty)
    // vᵀHu = 12·Σ x²·u·v, both ways.
    let symmetry = try #require(report.symmetries.first)
    #expect(symmetry.first == symmetry.second)

    var wrong = exact
    wrong.factor = 11
    let refused = try checkSecond(function, exact: wrong)
    #expect(refused.symmetries.allSatisfy { $0.passed })
    #expect(!refused.quotients.passed)
    #expect(refused.explanation.contains("the gradient changes otherwise than H·w says"))
  }

  /// A branch whose gain starts at 0. At this point its gradients are right, the forgotten one too, which
  /// is 0 here. But they are the gradients of no function.
  @Test("find what no check of the gradient at this point can: an unsymmetric Hessian")
  func gainWithoutInputGradient() throws {
    let zero = [Tensor<Double>(Shape(1))]
    for isBroken in [false, true] {
      let layer = Gain<Double>(isBroken: isBroken)
      let exact = Gain<Dual<Double>>(isBroken: isBroken)
      let first = try check(layer, input: Shape(2, 3), parameters: zero, exact: exact)
      let passed = first.passed
      #expect(passed, "\(first.explanation)")
      let second = try checkSecond(layer, inputs: [Shape(2, 3)], parameters: zero, exact: exact)
      #expect(second.passed == !isBroken, "\(second.explanation)")
      let verdicts = second.symmetries.map(\.passed)
      #expect(verdicts == [!isBroken, !isBroken])
      #expect(second.explanation.contains("no function") == isBroken)
    }
  }

  /// A backward pass that goes through a plain number has the right gradient everywhere, and on dual numbers
  /// a constant.
  @Test("find a backward pass that loses derivatives on the way")
  func lostDerivative() throws {
    let (layer, exact) = (Square<Double>(), Square<Dual<Double>>())
    let first = try check(layer, input: Shape(2, 3), exact: exact)
    let passed = first.passed
    #expect(passed, "\(first.explanation)")
    let second = try checkSecond(layer, inputs: [Shape(2, 3)], exact: exact)
    #expect(second.symmetries.allSatisfy { $0.passed })
    #expect(!second.quotients.passed)
  }
}

@Suite("The largest eigenvalue")
struct EigenvalueTests {
  private func largest(_ diagonal: [Double], limit: Int = 200) -> Eigenvalue {
    let matrix = Tensor(Shape(diagonal.count), diagonal)
    return largestEigenvalue(
      start: [Tensor(Shape(diagonal.count), repeating: 1)], tolerance: 1e-6, limit: limit
    ) { [matrix * $0[0]] }
  }

  @Test("is the one of largest magnitude, to within its residual")
  func known() {
    let found = largest([3, -5, 1, 0])
    #expect(abs(found.value + 5) <= found.residual)
    #expect(found.residual <= 1e-6 * 5)
    #expect(abs(abs(found.vector[0][1]) - 1) < 1e-6)
  }

  @Test("isn't found where two have one magnitude, and the residual says so")
  func doubtful() {
    let found = largest([2, -2])
    #expect(found.products == 200)
    #expect(found.residual > 1)
  }

  @Test("of nothing is 0")
  func zero() {
    let found = largest([0, 0])
    #expect(found.value == 0 && found.residual == 0 && found.products == 1)
  }
}

/// Σ x⁴ and its second derivatives, 12·x².
private struct Quartic: TwiceDifferentiable {
  var factor = 12.0
  var point: Tensor<Double>
  var variables: [Variable] { [Variable(name: "x", shape: point.shape)] }

  mutating func setValues(of variable: Int, to values: Tensor<Double>) { point = values }
  func hessianProduct(
    _ directions: [Tensor<Double>], upstream: [Double], seed: UInt32
  ) -> [Tensor<Double>] {
    [factor * upstream[0] * point * point * directions[0]]
  }

  static var pair: (PlainFunction, Quartic) {
    let x = Tensor<Double>(Shape(3), [0.5, -1.25, 2])
    let function = PlainFunction(
      at: ["x": x],
      value: { point in
        let x = point["x"] ?? Tensor(Shape())
        return ["y": Tensor(Shape(1), [(x * x * x * x).sum()])]
      },
      gradient: { point, upstream in
        let x = point["x"] ?? Tensor(Shape())
        return ["x": 4 * (upstream["y"]?[0] ?? 0) * x * x * x]
      })
    return (function, Quartic(point: x))
  }
}

/// out = g·in with a learned number g, as in a residual branch that starts switched off.
private struct Gain<Scalar: Tensors.Scalar>: SingleInputLayer {
  struct Specification: SingleInputSpecification {
    static var typeName: String { "Gain" }
    func parameters(for input: Shape) -> [ParameterSpecification] {
      [ParameterSpecification(name: "gain", shape: Shape(1))]
    }
    func outputShape(for input: Shape) -> Shape { input }
  }

  var isBroken: Bool
  var specification: Specification { Specification() }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count { output[i] = parameters[0][0] * input[i] }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    if !accumulating { parameterGradients[0][0] = 0 }
    for i in 0..<input.count { parameterGradients[0][0] += outputGradient[i] * input[i] }
    inputGradient.update { gradient in
      for i in 0..<gradient.count {
        gradient[i] = isBroken ? 0 : outputGradient[i] * parameters[0][0]
      }
    }
  }
}

/// out = in², whose backward pass takes its factor through `Double`.
private struct Square<Scalar: Tensors.Scalar>: SingleInputLayer {
  // Any that keeps the shape will do.
  var specification: SigmoidSpecification { SigmoidSpecification() }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count { output[i] = input[i] * input[i] }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<gradient.count {
        gradient[i] = outputGradient[i] * Scalar(2 * input[i].doubleValue)
      }
    }
  }
}
