import Foundation
import GradientChecking
import RealModule
import Tensors
import Testing

/// Functions that PyTorch's `gradcheck` judges right, smooth and rough ones: `gradcheck.py` beside the
/// verdicts has the same functions. Whatever is checked of them, and from whichever seed, the verdict
/// here has to be the same.
@Suite("What PyTorch's gradcheck gets right") struct Gradcheck {
  static let claims = smooth + waves + rounded + [normalised, attention]

  private static let smooth = [
    Claim("square", { $0 * $0 }, { 2 * $0 }),
    Claim("exponential", { .exp($0) }, { .exp($0) }),
    Claim("hyperbolic tangent", { .tanh($0) }, { 1 - .pow(.tanh($0), 2) }),
    Claim("floor", { $0.rounded(.down) }, { _ in 0 }),
    Claim("sawtooth", { $0 - $0.rounded(.down) }, { _ in 1 }),
    Claim("cube, a hundredth too much", { $0 * $0 * $0 }, { 3.03 * $0 * $0 }),
    Claim("square, half", { $0 * $0 }, { $0 }),
    Claim("sine, negative", { .sin($0) }, { -.cos($0) }),
  ]

  /// Steps that are binary fractions meet the same phase of these waves again and again.
  private static let waves = [8, 16, 32, 64].flatMap { (k: Double) in
    let wave: @Sendable (Double) -> Double = { $0 + .sin(k * .pi * $0) }
    return [
      Claim("wave \(Int(k))", wave, { 1 + k * .pi * .cos(k * .pi * $0) }),
      Claim("wave \(Int(k)), left out", wave, { _ in 1 }),
    ]
  }

  /// Straight-through gradients: 1, or what the rounded number is multiplied by.
  private static let rounded: [Claim] = {
    let ofOne = ((1...12).map { 1 << $0 } + [7, 10, 100, 127, 255]).map { (steps: Int) in
      Claim(
        "rounded to 1/\(steps)", { ($0 * Double(steps)).rounded() / Double(steps) }, { _ in 1 })
    }
    let fakes = [(0.5, "0.5"), (2, "2")].map { (deviation: Double, name: String) in
      Claim(
        "fake int8, deviation \(name)",
        { min(max((32 * deviation * $0).rounded(), -128), 127) / 32 }, { _ in deviation })
    }
    return ofOne + fakes
  }()

  /// The mean takes the bias away again: its gradient is 0, and rounding leaves some 1e-16 of it.
  static let normalised: Claim = {
    @Sendable func normalise(_ bias: Double) -> (values: [Double], deviation: Double) {
      let moved = Claim.point.map { $0 + bias }
      let mean = moved.reduce(0, +) / Double(moved.count)
      let variance = moved.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(moved.count)
      let deviation = Double.sqrt(variance + 1e-5)
      return (moved.map { ($0 - mean) / deviation }, deviation)
    }
    return Claim(
      "bias before a normalisation", biases: 1, value: { normalise($0[0]).values },
      gradient: { bias, upstream in
        let (values, deviation) = normalise(bias[0])
        let count = Double(values.count)
        let mean = upstream.reduce(0, +) / count
        let product = zip(upstream, values).reduce(0) { $0 + $1.0 * $1.1 } / count
        return [zip(upstream, values).reduce(0) { $0 + ($1.0 - mean - $1.1 * product) / deviation }]
      })
  }()

  /// The same number is added to the score of every key, which softmax takes away again.
  static let attention: Claim = {
    let query = Array(Claim.point[..<5])
    let keys = [3, 7, 11, 15].map { Array(Claim.point[$0..<$0 + 5]) }
    @Sendable func weights(_ bias: [Double]) -> [Double] {
      let scores = keys.map { key in (0..<5).reduce(0) { $0 + query[$1] * (key[$1] + bias[$1]) } }
      let greatest = scores.max() ?? 0
      let exponentials = scores.map { Double.exp($0 - greatest) }
      let sum = exponentials.reduce(0, +)
      return exponentials.map { $0 / sum }
    }
    return Claim(
      "bias of the keys in attention", biases: 5, value: weights,
      gradient: { bias, upstream in
        let weights = weights(bias)
        let inner = zip(weights, upstream).reduce(0) { $0 + $1.0 * $1.1 }
        let scores = zip(weights, upstream).map { $0 * ($1 - inner) }
        return query.map { q in scores.reduce(0) { $0 + q * $1 } }
      })
  }()

  /// What `gradcheck.py` has printed.
  private struct Verdicts: Decodable {
    let torch: String
    let right: [String: Bool]

    static func read() throws -> Verdicts {
      let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      let file = tests.appending(path: "Fixtures/gradcheck/verdicts.json")
      return try JSONDecoder().decode(Verdicts.self, from: Data(contentsOf: file))
    }
  }

  @Test func hasAVerdictForEachFunction() throws {
    #expect(try Set(Verdicts.read().right.keys) == Set(Self.claims.map { $0.name }))
  }

  @Test(arguments: claims) func hasTheSameVerdictHere(_ claim: Claim) throws {
    let right = try Verdicts.read().right
    let isRight = try #require(right[claim.name] as Bool?)
    let thorough: [CheckOptions] = (1...10).map { CheckOptions(seed: $0) }
    let other = (1...10 as ClosedRange<UInt64>).flatMap {
      [
        CheckOptions(mode: .directional, seed: $0), CheckOptions(mode: .sampled(4), seed: $0),
        CheckOptions(isEconomical: true, seed: $0),
        CheckOptions(mode: .directional, isEconomical: true, seed: $0),
      ]
    }
    for options in thorough + other {
      let report = try check(claim.function, options: options)
      let passed = report.passed
      #expect(passed == isRight, "\(options): \(report.explanation)")
    }
  }

}
