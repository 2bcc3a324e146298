import GradientChecking
import Layers
import RealModule
import Tensors
import Testing

/// Functions that look straight over great steps and aren't.
@Suite struct RoughFunctions {
  /// A failure has to teach: a rounded function is called one, if its steps are a tenth or less (two
  /// digits in its name), so that it looks straight from afar.
  @Test(
    arguments: Gradcheck.claims.filter { $0.name.contains("rounded to 1/") && $0.name.count > 14 })
  func namesStraightThroughGradients(_ claim: Claim) throws {
    let report = try check(claim.function)
    let causes = report.tensors[0].causes
    #expect(causes.count == 1 && causes[0].contains("a straight-through gradient"), "\(causes)")
  }

  /// Beside large outputs greater steps bring the derivative out, and those need controls as well.
  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func seesRoughnessBesideLargeOutputs(seed: UInt64) throws {
    let rounded = Claim("1e9 + rounded to 1/64", { 1e9 + ($0 * 64).rounded() / 64 }, { _ in 1 })
    let wave = Claim("1e9 + wave 8", { 1e9 + $0 + .sin(8 * .pi * $0) }, { _ in 1 })
    for claim in [rounded, wave] {
      for options in [CheckOptions(seed: seed), CheckOptions(isEconomical: true, seed: seed)] {
        #expect(try !check(claim.function, options: options).passed, "\(claim.name)")
      }
    }
  }

  /// In `Float`, where the bars are wide, rounding to 1/256 shows at single elements.
  @Test(arguments: [4, 10, 16, 64, 100, 256]) func seesRoundedNumbersInFloat(steps: Int) throws {
    struct Identity: SingleInputSpecification {
      static let typeName = "Rounded"
      func outputShape(for input: Shape) throws(LayerError) -> Shape { input }
    }
    struct Rounded: SingleInputLayer {
      let specification = Identity()
      let steps: Float
      func forward(
        _ input: Tensor<Float>, parameters: [Tensor<Float>], context: inout RunContext,
        output: inout Tensor<Float>, saved: inout NothingSaved
      ) {
        for i in 0..<input.count { output[i] = (input[i] * steps).rounded() / steps }
      }
      func backward(
        outputGradient: Tensor<Float>, input: Tensor<Float>, output: Tensor<Float>,
        parameters: [Tensor<Float>], saved: NothingSaved, inputGradient: inout Tensor<Float>?,
        parameterGradients: inout [Tensor<Float>], accumulating: Bool
      ) {
        inputGradient.update { $0 = outputGradient }
      }
    }
    for seed in 1...20 as ClosedRange<UInt64> {
      for isEconomical in [false, true] {
        let options = CheckOptions(isEconomical: isEconomical, seed: seed)
        let layer = Rounded(steps: Float(steps))
        #expect(try !check(layer, input: Shape(3, 5), options: options).passed, "seed \(seed)")
      }
    }
  }

  /// Beside a gradient of 1e5, rounding is as large as one of 1e-3: a quotient says nothing of that.
  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func anEconomicalCheckSeesSmallElementsBesideGreatOnes(seed: UInt64) throws {
    let slopes = [1e5, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3]
    for error in [1, 1.2] {
      let claim = Claim(
        "slopes", biases: 6, value: { zip(slopes, $0).map { $0 * ($1 + 0.3) } },
        gradient: { _, upstream in
          zip(slopes, upstream).enumerated().map { $0 == 2 ? error * $1.0 * $1.1 : $1.0 * $1.1 }
        })
      let report = try check(claim.function, options: CheckOptions(isEconomical: true, seed: seed))
      #expect(report.passed == (error == 1))
    }
  }
}
