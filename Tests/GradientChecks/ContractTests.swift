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

/// y = x + b minus its mean over the images: b is taken away again, and its gradient is 0 but for
/// rounding.
private struct Centring: SingleInputLayer {
  struct Specification: SingleInputSpecification {
    static let typeName = "Centring"
    func outputShape(for input: Shape) throws(LayerError) -> Shape { input }
    func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] {
      [ParameterSpecification(name: "bias", shape: Shape(input[1]))]
    }
  }

  let specification = Specification()
  let overwrites: Bool

  /// Without its mean over the images.
  private func centred(_ values: Tensor<Double>) -> Tensor<Double> {
    let (images, channels) = (values.shape[0], values.shape[1])
    var result = values
    for c in 0..<channels {
      let mean = (0..<images).reduce(0) { $0 + values[$1 * channels + c] } / Double(images)
      for n in 0..<images { result[n * channels + c] -= mean }
    }
    return result
  }

  func forward(
    _ input: Tensor<Double>, parameters: [Tensor<Double>], context: inout RunContext,
    output: inout Tensor<Double>, saved: inout NothingSaved
  ) {
    let channels = input.shape[1]
    for i in 0..<input.count { output[i] = input[i] + parameters[0][i % channels] }
    output = centred(output)
  }

  func backward(
    outputGradient: Tensor<Double>, input: Tensor<Double>, output: Tensor<Double>,
    parameters: [Tensor<Double>], saved: NothingSaved, inputGradient: inout Tensor<Double>?,
    parameterGradients: inout [Tensor<Double>], accumulating: Bool
  ) {
    let gradient = centred(outputGradient)
    if overwrites || !accumulating { parameterGradients[0].fill(with: 0) }
    for i in 0..<gradient.count { parameterGradients[0][i % input.shape[1]] += gradient[i] }
    inputGradient.update { $0 = gradient }
  }
}

extension Contracts {
  /// What is left of a sum that cancels is another number in every order, and still has to be added.
  @Test(arguments: [3, 5, 16]) func areCheckedForGradientsThatAreZero(images: Int) throws {
    for seed in 1...50 as ClosedRange<UInt64> {
      let shape = Shape(images, 3)
      let options = CheckOptions(seed: seed)
      let right = try check(Centring(overwrites: false), input: shape, options: options)
      #expect(right.passed, "seed \(seed): \(right.explanation)")
      let wrong = try check(Centring(overwrites: true), input: shape, options: options)
      #expect(wrong.violations.map(\.rule) == [.accumulatesWhenAsked], "seed \(seed)")
    }
  }
}
