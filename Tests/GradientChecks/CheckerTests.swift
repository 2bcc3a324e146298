import Foundation
import GradientChecking
import Layers
import RealModule
import Reference
import Tensors
import Testing

/// The checker on functions whose nature is known.
@Suite struct Checker {
  private static func only(_ report: GradientReport) throws -> TensorReport {
    try #require(report.tensors.first)
  }

  @Test func smoothFunctionsAreRightToTenDigits() throws {
    let points = [-1.7, -0.4, 0.1, 0.9, 2.2]
    typealias Function = (Double) -> Double
    let exp: (Function, Function) = ({ .exp($0) }, { .exp($0) })
    let sin: (Function, Function) = ({ .sin($0) }, { .cos($0) })
    let tanh: (Function, Function) = ({ .tanh($0) }, { 1 / .pow(.cosh($0), 2) })
    let cube: (Function, Function) = ({ .pow($0, 3) }, { 3 * $0 * $0 })
    for (f, derivative) in [exp, sin, tanh, cube] {
      let report = try Self.only(check(elementwise(at: points, f, derivative)))
      #expect(report.passed)
      #expect(report.worstRelativeError <= 1e-10)
      #expect(report.kinks == 0)
    }
  }

  /// The snippet of `PlainFunction`.
  @Test func theSnippetWorks() throws {
    let x = Tensor<Double>(Shape(3), [1, -2, 0.5])
    let square = PlainFunction(
      at: ["x": x],
      value: { point in point.mapValues { x in Tensor(x.shape, x.elements.map { $0 * $0 }) } },
      gradient: { point, upstream in
        point.mapValues { x in
          let dy = upstream["x"]?.elements ?? []
          return Tensor(x.shape, zip(x.elements, dy).map { 2 * $0 * $1 })
        }
      })
    let report = try check(square)
    #expect(report.passed)
  }

  /// The bar grows with the numbers: where 1e30 + x can't be seen to move, nothing is claimed.
  @Test func theBarIsHonestAtLargeMagnitudes() throws {
    let report = try Self.only(
      check(elementwise(at: [0.3, -0.8, 1.4], { 1e30 + $0 }, { _ in 1 })))
    #expect(report.failed == 0)
    #expect(report.undecided > 0)
    #expect(!report.passed, "a check that can't tell must not say yes")
    // Of 1e12 + x greater steps bring the derivative out, wherever that is possible.
    let large = try Self.only(check(elementwise(at: [0.3, -0.8], { 1e12 + $0 }, { _ in 1 })))
    #expect(large.passed && large.undecided == 0)
    let wrong = try Self.only(check(elementwise(at: [0.3, -0.8], { 1e12 + $0 }, { _ in 1.01 })))
    #expect(!wrong.passed)
  }

  /// An error of a few bars is enough to be caught, however small it is.
  @Test func smallErrorsAreCaught() throws {
    for error in [1e-3, 1e-6, 1e-9] {
      let report = try Self.only(
        check(elementwise(at: [0.3, -0.8, 1.4, 2.0], { .exp($0) }, { (1 + error) * .exp($0) })))
      #expect(!report.passed, "an error of \(error)")
    }
  }

  @Test func aFactorIsNamed() throws {
    let twice = try Self.only(
      check(elementwise(at: [0.3, -0.8, 1.4, 2.0], { .sin($0) }, { 2 * .cos($0) })))
    #expect(twice.causes == ["the gradient has a factor of 2 too much"])
    let negative = try Self.only(
      check(elementwise(at: [0.3, -0.8, 1.4, 2.0], { .sin($0) }, { -.cos($0) })))
    #expect(negative.causes == ["the gradient is the negative of the right one"])
  }

  /// |x| at and around 0: at 0 everything from −1 to 1 is right, and nothing else.
  @Test func kinksAllowTheirInterval() throws {
    let points = [-1, 0, 1e-7, 0.5]
    for value in [-1, -0.3, 0, 1.0] {
      let report = try Self.only(
        check(elementwise(at: points, { abs($0) }, { $0 == 0 ? value : $0 < 0 ? -1 : 1 })))
      #expect(report.passed, "\(value) at 0")
      #expect(report.kinks == 1)
      #expect(report.nearKinks == 1)
    }
    for value in [-1.1, 1.001, 3] {
      let report = try Self.only(
        check(elementwise(at: points, { abs($0) }, { $0 == 0 ? value : $0 < 0 ? -1 : 1 })))
      #expect(!report.passed, "\(value) at 0")
    }
    // 1e-7 beside the kink there is one right answer only.
    let report = try Self.only(
      check(elementwise(at: points, { abs($0) }, { $0 == 0 || $0 == 1e-7 ? 0 : $0 < 0 ? -1 : 1 }))
    )
    #expect(report.failed == 1)
  }

  /// Where 1e30 + x can't be seen to move, no element is wrong, and none is shown to be right.
  @Test func whatIsUndecidedIsNotCalledWrong() throws {
    let report = try Self.only(
      check(elementwise(at: [0.3, -0.8, 1.4], { 1e30 + $0 }, { _ in 1 })))
    #expect(!report.passed && report.failed == 0)
    #expect(
      report.explanation.hasPrefix(
        "function x (yours): UNDECIDED at \(report.undecided) of 3 elements\n"),
      "\(report.explanation)")
  }

  @Test func whatIsRightIsSaidToBe() throws {
    let report = try Self.only(check(elementwise(at: [0.3, -0.8], { .sin($0) }, { .cos($0) })))
    #expect(
      report.explanation.hasPrefix("function x (yours): right. 2 elements; "),
      "\(report.explanation)")
  }

  @Test func aRotatedGradientIsNamed() throws {
    let shape = Shape(2, 3)
    let function = PlainFunction(
      at: ["x": Tensor(shape, [0.3, -0.8, 1.4, 2, -0.1, 0.6])],
      value: { ["y": $0["x"] ?? Tensor(shape)] },
      gradient: { _, upstream in
        ["x": Tensor(shape, (upstream["y"]?.elements ?? []).reversed())]
      })
    let report = try Self.only(check(function))
    #expect(report.causes == ["rotated by 180°: convolution and correlation are mixed up"])
  }

  @Test func nothingIsThereToBeWrong() throws {
    let report = try Self.only(check(elementwise(at: [], { $0 }, { _ in 1 })))
    #expect(report.passed && report.checked == 0 && report.failed == 0)
  }

  /// What is too small an error for quotients isn't for dual numbers.
  @Test func theExactDerivativeDecidesToo() throws {
    struct Exact: ExactlyDifferentiable {
      var point: [Double]
      var error: Double

      mutating func derivative(
        alongVariable variable: Int, _ direction: Tensor<Double>, seed: UInt32
      ) throws -> [Double] {
        zip(point, direction.elements).map { .cos($0) * $1 * (1 + error) }
      }
    }
    let point = [0.3, -0.8, 1.4]
    for (error, passes) in [(0, true), (1e-9, false)] {
      let report = try Self.only(
        check(
          elementwise(at: point, { .sin($0) }, { .cos($0) }),
          exact: Exact(point: point, error: error)))
      #expect(report.failures.isEmpty)
      #expect(report.passed == passes)
      #expect(
        report.causes.contains { $0.hasPrefix("the difference quotients agree within their bars") }
          == !passes)
    }
  }

  @Test func aGradientThatIsNoNumberFails() throws {
    let report = try Self.only(
      check(elementwise(at: [0.3, 0.7], { $0 * $0 }, { $0 > 0.5 ? .nan : 2 * $0 })))
    #expect(!report.passed)
    #expect(report.failed == 1)
    #expect(report.causes.first?.contains("not a finite number") == true)
  }

  @Test func anOutputThatIsNoNumberIsRefused() {
    #expect(throws: CheckError.self) {
      try check(elementwise(at: [-1], { .log($0) }, { 1 / $0 }))
    }
  }

  @Test func aMissingGradientIsRefused() {
    let shape = Shape(2)
    let function = PlainFunction(
      at: ["a": Tensor(shape), "b": Tensor(shape)], value: { ["y": $0["a"] ?? Tensor(shape)] },
      gradient: { _, upstream in ["a": upstream["y"] ?? Tensor(shape)] })
    #expect(throws: CheckError(reason: "the gradient of b is missing")) { try check(function) }
  }

  @Test func aGradientOfAnotherShapeIsRefused() {
    let shape = Shape(2)
    let function = PlainFunction(
      at: ["a": Tensor(shape)], value: { ["y": $0["a"] ?? Tensor(shape)] },
      gradient: { _, _ in ["a": Tensor(Shape(2, 1))] })
    #expect(throws: CheckError(reason: "the gradient of a has shape 2×1 and must have 2")) {
      try check(function)
    }
  }

  @Test func aFunctionWithAGradientTooFewIsRefused() {
    let function = CountedFunction(elementwise(at: [0.3, 0.7], { .sin($0) }, { .cos($0) })) {
      Array($0.dropLast())
    }
    let error = #expect(throws: CheckError.self) { try check(function) }
    #expect(
      error?.reason == "function gives gradients of shapes [] for variables of shapes [2]")
  }

  @Test func parametersOfAnotherShapeAreRefused() {
    let layer = InnerProduct<Double>(InnerProductSpecification(outputs: 3, hasBias: false))
    let error = #expect(throws: LayerError.self) {
      try LayerFunction(layer, inputs: [Tensor(Shape(2, 4))], parameters: [Tensor(Shape(4, 3))])
    }
    #expect(error?.rule == "must have the shapes [3×4] for input 2×4")
  }

  @Test func samplesAndDirections() throws {
    let layer = InnerProduct<Double>(InnerProductSpecification(outputs: 20))
    let sampled = try check(
      layer, input: Shape(2, 30), options: CheckOptions(mode: .sampled(7), directions: 3))
    #expect(sampled.tensors.map(\.checked) == [7, 7, 7])
    #expect(sampled.tensors.allSatisfy { $0.directions == 4 })
    let directional = try check(
      layer, input: Shape(2, 30), options: CheckOptions(mode: .directional, directions: 1))
    #expect(directional.tensors.map(\.checked) == [0, 0, 0])
    #expect(directional.passed)
    let economical = try check(
      layer, input: Shape(2, 30), options: CheckOptions(isEconomical: true))
    #expect(economical.tensors.map(\.checked) == [60, 600, 20])
    #expect(economical.passed)
  }

  @Test func theSameSeedGivesTheSameReport() throws {
    func numbers(_ seed: UInt64) throws -> [Double] {
      try check(
        LRN<Double>(LRNSpecification(localSize: 3)), input: Shape(1, 4, 2, 2),
        options: CheckOptions(mode: .sampled(5), seed: seed)
      ).tensors.flatMap { [$0.worstRelativeError, $0.worstErrorOverBar] }
    }
    #expect(try numbers(3) == numbers(3))
    #expect(try numbers(3) != numbers(4))
  }

  /// In Float the bars are wide, and the verdict is the same.
  @Test func floatIsCheckedWithBarsOfItsOwn() throws {
    let specification = ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1)
    let report = try check(
      Convolution<Float>(specification), input: Shape(1, 2, 4, 4),
      exact: Convolution<Dual<Double>>(specification))
    #expect(report.passed, "\(report.explanation)")
    let worst = report.tensors.map(\.worstRelativeError).max() ?? 1
    #expect(worst > 1e-9 && worst < 1e-2)
  }

  @Test func aShapeThatTheLayerRefusesIsAnError() {
    #expect(throws: LayerError.self) {
      try check(
        Convolution<Double>(ConvolutionSpecification(outputChannels: 2, kernel: 9)),
        input: Shape(1, 2, 4, 4))
    }
  }

  /// The fields that programs may rely on.
  @Test func theReportIsJSON() throws {
    let report = try check(Softmax<Double>(), input: Shape(2, 3), exact: Softmax<Dual<Double>>())
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report))
    let object = try #require(json as? [String: Any])
    #expect(object["passed"] as? Bool == true)
    let tensor = try #require((object["tensors"] as? [[String: Any]])?.first)
    #expect(tensor["layer"] as? String == "Softmax")
    #expect(tensor["version"] as? String == "reference")
    #expect(tensor["tensor"] as? String == "input")
    #expect(tensor["checked"] as? Int == 6)
    #expect(tensor["worstRelativeError"] is Double)
    #expect(tensor["worstErrorOverBar"] is Double)
    #expect(tensor["dualRelativeError"] is Double)
    #expect(tensor["kinks"] as? Int == 0)
    #expect(tensor["passed"] as? Bool == true)
  }

  /// The table shows the V: the error falls with the step, then rises.
  @Test func theTableOfStepsShowsTheV() throws {
    let report = try Self.only(
      check(elementwise(at: [0.3, -0.8, 1.4, 2.0], { .exp($0) }, { 1.001 * .exp($0) })))
    let failure = try #require(report.failures.first { $0.position != nil })
    #expect(failure.rows.count > 10)
    let truth = failure.analytic / 1.001
    let errors = failure.rows.map { abs($0.centred - truth) }
    let best = try #require(errors.indices.min { errors[$0] < errors[$1] })
    #expect(best > 0 && best < errors.count - 1)
    #expect(errors[0] > 1e3 * errors[best])
    #expect((errors.last ?? 0) > 1e3 * errors[best])
    #expect(failure.stepTable.split(separator: "\n").count == failure.rows.count + 1)
    #expect(report.explanation.contains("the gradient is 1.001 times the right one"))
  }
}
