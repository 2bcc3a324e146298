import Foundation
import GradientChecking
import Layers
import RealModule
import Tensors
import Testing

/// Functions that PyTorch's `gradcheck` judges right, smooth and rough ones: `gradcheck.py` beside the
/// verdicts has the same functions. Whatever is checked of them, and from whichever seed, the verdict
/// here has to be the same.
@Suite("What PyTorch's gradcheck gets right") struct Gradcheck {
  /// xᵢ, no element of which is a binary fraction.
  static let point = (0..<20).map { 1.5 * Double.sin(1.7 * Double($0) + 0.3) }

  /// A function with a claimed gradient.
  struct Claim: Sendable, CustomTestStringConvertible {
    let name: String
    private let make: @Sendable () -> PlainFunction

    var function: PlainFunction { make() }

    var testDescription: String { name }

    /// A function of each element of the point, and its claimed derivative.
    init(
      _ name: String, _ f: @escaping @Sendable (Double) -> Double,
      _ derivative: @escaping @Sendable (Double) -> Double
    ) {
      self.name = name
      make = {
        let shape = Shape(point.count)
        return PlainFunction(
          at: ["x": Tensor(shape, point)],
          value: { ["y": Tensor(shape, ($0["x"]?.elements ?? []).map(f))] },
          gradient: { point, upstream in
            let pairs = zip(point["x"]?.elements ?? [], upstream["y"]?.elements ?? [])
            return ["x": Tensor(shape, pairs.map { derivative($0) * $1 })]
          })
      }
    }

    /// A function of a bias that is 0 at the point, and its gradient.
    init(
      _ name: String, biases: Int, value: @escaping @Sendable ([Double]) -> [Double],
      gradient: @escaping @Sendable (_ bias: [Double], _ upstream: [Double]) -> [Double]
    ) {
      self.name = name
      make = {
        let shape = Shape(biases)
        return PlainFunction(
          at: ["bias": Tensor(shape)],
          value: {
            let y = value($0["bias"]?.elements ?? [])
            return ["y": Tensor(Shape(y.count), y)]
          },
          gradient: { point, upstream in
            let bias = point["bias"]?.elements ?? []
            return ["bias": Tensor(shape, gradient(bias, upstream["y"]?.elements ?? []))]
          })
      }
    }
  }

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
  private static let normalised: Claim = {
    @Sendable func normalise(_ bias: Double) -> (values: [Double], deviation: Double) {
      let moved = point.map { $0 + bias }
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
  private static let attention: Claim = {
    let query = Array(point[..<5])
    let keys = [3, 7, 11, 15].map { Array(point[$0..<$0 + 5]) }
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

  /// A failure has to teach: a rounded function is called one.
  @Test(arguments: claims.filter { $0.name.contains("rounded to 1/") && $0.name.count > 14 })
  func namesStraightThroughGradients(_ claim: Claim) throws {
    let report = try check(claim.function)
    let causes = report.tensors[0].causes
    #expect(causes.count == 1 && causes[0].contains("a straight-through gradient"), "\(causes)")
  }

  /// A gradient that is 0 but for rounding has no relative error that means anything, and isn't
  /// undecided either.
  @Test func zerosAreCountedAsSuch() throws {
    for claim in [Self.normalised, Self.attention] {
      let tensor = try check(claim.function).tensors[0]
      #expect(tensor.zeros == tensor.checked && tensor.undecided == 0)
      #expect(tensor.worstRelativeError == 0)
      #expect(tensor.explanation.contains("zero but for rounding"))
    }
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
    struct Identity: LayerSpecification {
      static let typeName = "Rounded"
      func outputShape(for input: Shape) throws(LayerError) -> Shape { input }
    }
    struct Rounded: Layer {
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
    let x = Tensor<Double>(Shape(8), Array(point[..<8]))
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
