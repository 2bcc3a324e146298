import GradientChecking
import Layers
import Tensors
import Testing

/// y = 2x, with a mistake that no difference quotient of its gradient can see.
private struct Doubling: InPlaceLayer {
  enum Mistake: CaseIterable { case none, outputInPlace, gradientInPlace, inputGradientAccumulates }

  var mistake: Mistake
  // Any that keeps the shape will do.
  var specification: ReLUSpecification { ReLUSpecification() }

  func forward(
    _ input: Tensor<Double>, parameters: [Tensor<Double>], context: inout RunContext,
    output: inout Tensor<Double>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count { output[i] = 2 * input[i] }
  }

  func backward(
    outputGradient: Tensor<Double>, input: Tensor<Double>, output: Tensor<Double>,
    parameters: [Tensor<Double>], saved: NothingSaved, inputGradient: inout Tensor<Double>?,
    parameterGradients: inout [Tensor<Double>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<gradient.count {
        let before = mistake == .inputGradientAccumulates ? gradient[i] : 0
        gradient[i] = before + 2 * outputGradient[i]
      }
    }
  }

  func forward(inPlace data: inout Tensor<Double>, context: inout RunContext, saved: inout Saved) {
    for i in 0..<data.count { data[i] *= mistake == .outputInPlace ? 3 : 2 }
  }

  func backward(inPlace gradient: inout Tensor<Double>, output: Tensor<Double>, saved: Saved) {
    for i in 0..<gradient.count { gradient[i] *= mistake == .gradientInPlace ? 3 : 2 }
  }
}

/// The rules of `Layer` that the gallery's broken layers keep; those that they break are tested there.
@Suite struct Contracts {
  @Test(arguments: Doubling.Mistake.allCases)
  private func areChecked(mistake: Doubling.Mistake) throws {
    let report = try check(Doubling(mistake: mistake), input: Shape(2, 3))
    #expect(report.tensors.allSatisfy { $0.passed })
    let expected: (rule: ContractViolation.Rule, start: String)? =
      switch mistake {
      case .none: nil
      case .outputInPlace: (.inPlaceMatches, "the output differs by ")
      case .gradientInPlace: (.inPlaceMatches, "the input's gradient differs by ")
      case .inputGradientAccumulates:
        (.overwritesGradients, "over memory that held nan, gradients differ in the input by ")
      }
    #expect(report.violations.map(\.rule) == (expected.map { [$0.rule] } ?? []))
    if let expected {
      #expect(report.violations.first?.detail.hasPrefix(expected.start) == true)
    }
  }
}
