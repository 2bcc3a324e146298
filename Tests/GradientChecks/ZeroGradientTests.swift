import GradientChecking
import RealModule
import Tensors
import Testing

/// Gradients that are 0 but for rounding, and the normalisations that have them.
@Suite struct ZeroGradients {
  /// A gradient that is 0 but for rounding has no relative error that means anything, and isn't
  /// undecided either.
  @Test func zerosAreCountedAsSuch() throws {
    for claim in [Gradcheck.normalised, Gradcheck.attention] {
      let tensor = try check(claim.function).tensors[0]
      #expect(tensor.zeros == tensor.checked && tensor.undecided == 0)
      #expect(tensor.worstRelativeError == 0)
      #expect(tensor.explanation.contains("zero but for rounding"))
    }
  }

  /// Sizes of a batch and biases at which rounding comes in different amounts.
  @Test(arguments: [(3, 1), (8, 0), (8, 10), (50, 10)])
  func takesBiasesOfAllSizesForZero(images: Int, bias: Double) throws {
    for seed in 1...10 as ClosedRange<UInt64> {
      let function = Self.batchNormalisation(images: images, bias: bias, wrong: false)
      let report = try check(function, options: CheckOptions(seed: seed))
      #expect(report.passed, "\(report.explanation)")
      let wrong = Self.batchNormalisation(images: images, bias: bias, wrong: true)
      #expect(try !check(wrong, options: CheckOptions(seed: seed)).passed)
    }
  }

  /// Rounding excuses nothing that is more than rounding: neither a wrong gradient of a constant, nor
  /// nearly 0 where the derivative isn't.
  @Test func zerosAreNoExcuse() throws {
    let constant = Claim(
      "constant", biases: 2, value: { _ in [1, 2] }, gradient: { _, _ in [1e-15, 0] })
    #expect(try !check(constant.function).passed)
    let noise = Claim(
      "noise", biases: 1, value: { [$0[0] + 1] },
      gradient: { bias, _ in [(1 / 3 + bias[0]) - bias[0] - 1 / 3] })
    #expect(try !check(noise.function).passed)
    // The rounding of one output is no excuse for another one, however small.
    let small = Claim(
      "small", biases: 1, value: { [1, 1e-20 * $0[0]] },
      gradient: { _, upstream in [2e-20 * upstream[1]] })
    #expect(try !check(small.function).passed)
  }

  /// One bias for each of 5 columns of numbers, before each column is normalised; or the gradient
  /// without the term that takes the mean away.
  private static func batchNormalisation(
    images: Int, bias: Double, wrong: Bool
  ) -> PlainFunction {
    let x = (0..<5).map { c in (0..<images).map { Double.sin(Double(7 * c + 3 * $0) + 0.3) } }
    func normalise(_ column: [Double]) -> (y: [Double], deviation: Double) {
      let mean = column.reduce(0, +) / Double(images)
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(images)
      let deviation = Double.sqrt(variance + 1e-5)
      return (column.map { ($0 - mean) / deviation }, deviation)
    }
    let shape = Shape(5)
    return PlainFunction(
      at: ["bias": Tensor(shape, Array(repeating: bias, count: 5))],
      value: { point in
        let b = point["bias"]?.elements ?? []
        let y = zip(x, b).flatMap { x, b in normalise(x.map { $0 + b }).y }
        return ["y": Tensor(Shape(5 * images), y)]
      },
      gradient: { point, upstream in
        let b = point["bias"]?.elements ?? []
        let g = upstream["y"]?.elements ?? []
        let gradient = (0..<5).map { c in
          let (y, deviation) = normalise(x[c].map { $0 + b[c] })
          let part = Array(g[c * images..<(c + 1) * images])
          let mean = wrong ? 0 : part.reduce(0, +) / Double(images)
          let product = zip(part, y).reduce(0) { $0 + $1.0 * $1.1 } / Double(images)
          return zip(part, y).reduce(0) { $0 + ($1.0 - mean - $1.1 * product) / deviation }
        }
        return ["bias": Tensor(shape, gradient)]
      })
  }

  /// y = (x − µ)/σ with its gradient's three terms, the last two multiplied by something.
  private static func normalisation(mean: Double, deviation: Double) -> PlainFunction {
    let x = Tensor<Double>(Shape(8), Array(Claim.point[..<8]))
    func normalise(_ x: [Double]) -> (y: [Double], sigma: Double) {
      let µ = x.reduce(0, +) / Double(x.count)
      let sigma = Double.sqrt(x.reduce(0) { $0 + ($1 - µ) * ($1 - µ) } / Double(x.count))
      return (x.map { ($0 - µ) / sigma }, sigma)
    }
    return PlainFunction(
      at: ["x": x],
      value: { ["y": Tensor(x.shape, normalise($0["x"]?.elements ?? []).y)] },
      gradient: { point, upstream in
        let (y, sigma) = normalise(point["x"]?.elements ?? [])
        let g = upstream["y"]?.elements ?? []
        let sum = g.reduce(0, +) / 8
        let product = zip(g, y).reduce(0) { $0 + $1.0 * $1.1 } / 8
        return [
          "x": Tensor(
            x.shape, zip(g, y).map { ($0 - mean * sum - deviation * $1 * product) / sigma })
        ]
      })
  }

  /// The classic mistakes with batch normalisation are named.
  @Test(arguments: [
    (1.0, 1.0, nil), (0, 1, "the mean"), (1, 0, "the deviation"), (1, 8.0 / 7, "the deviation"),
  ])
  func namesTheTermsOfANormalisation(mean: Double, deviation: Double, cause: String?) throws {
    let report = try check(Self.normalisation(mean: mean, deviation: deviation))
    #expect(report.passed == (cause == nil))
    let causes = report.tensors[0].causes
    #expect(
      cause.map { name in causes.contains { $0.contains("comes from \(name) is left out") } }
        ?? true, "\(causes)")
  }
}
