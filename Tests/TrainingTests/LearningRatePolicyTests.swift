import Foundation
import Testing
import Training

/// Caffe's own rates for a policy, as the bits of a Float.
private struct Case: Decodable {
  var name: String
  var bits: [String]

  enum CodingKeys: String, CodingKey {
    case name
    case bits = "lr_float32_hex"
  }
}

/// The policies of `lr/policies.json`, as its solver texts describe them; all at base 0.01.
private let policies: [String: LearningRatePolicy] = [
  "fixed": .fixed,
  "step": .step(gamma: 0.1, stepSize: 7),
  "step_gamma": .step(gamma: 0.96, stepSize: 3),
  "exp": .exponential(gamma: 0.9),
  "inv": .inverse(gamma: 0.0001, power: 0.75),
  "inv_fast": .inverse(gamma: 0.5, power: 2),
  "multistep": .multistep(gamma: 0.5, stepValues: [3, 8, 9, 20]),
  "poly": .polynomial(power: 0.5, maxIterations: 30),
  "poly_square": .polynomial(power: 2, maxIterations: 30),
  "sigmoid": .sigmoid(gamma: 0.3, stepSize: 12),
  "sigmoid_fast": .sigmoid(gamma: 0.5, stepSize: 10),
]

@Suite("Learning-rate policies")
struct LearningRatePolicyTests {
  @Test("give Caffe's rates bit for bit", arguments: policies.keys.sorted())
  func bits(name: String) throws {
    let policy = try #require(policies[name])
    let cases = try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: fixtures.appending(path: "lr/policies.json")))
    let expected = try #require(cases.first { $0.name == name })
    for (iteration, bits) in expected.bits.enumerated() {
      let rate = policy.rate(base: 0.01, iteration: iteration)
      #expect(
        String(rate.bitPattern, radix: 16) == bits, "iteration \(iteration): \(rate)")
    }
    #expect(cases.count == policies.count)
  }
}

/// The results that Caffe computed.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "Fixtures/caffe")

/// A line of `lr/sweep.txt`: a policy, where it begins, and the rates that C++ computes from there on.
private struct SweepLine {
  var policy: LearningRatePolicy
  var base: Float
  var first: Int
  var stepCount: Int
  var rates: [UInt32]

  init?(_ line: Substring) {
    let halves = line.split(separator: ":")
    let words = halves[0].split(separator: " ").map(String.init)
    let floats = words[1...3].compactMap { UInt32($0, radix: 16).map(Float.init(bitPattern:)) }
    let stepValues = words[5].split(separator: ",").compactMap { Int($0) }
    guard let stepSize = Int(words[4]), let greatest = Int(words[6]), let first = Int(words[7]),
      let stepCount = Int(words[8])
    else { return nil }
    let (gamma, power) = (floats[1], floats[2])
    switch words[0] {
    case "fixed": policy = .fixed
    case "step": policy = .step(gamma: gamma, stepSize: stepSize)
    case "exp": policy = .exponential(gamma: gamma)
    case "inv": policy = .inverse(gamma: gamma, power: power)
    case "multistep": policy = .multistep(gamma: gamma, stepValues: stepValues)
    case "poly": policy = .polynomial(power: power, maxIterations: greatest)
    case "sigmoid": policy = .sigmoid(gamma: gamma, stepSize: stepSize)
    default: return nil
    }
    (base, self.first, self.stepCount) = (floats[0], first, stepCount)
    rates = halves[1].split(separator: " ").compactMap { UInt32($0, radix: 16) }
  }
}

extension LearningRatePolicyTests {
  @Test("give C++'s rates bit for bit over their whole range: 0⁰, equal step values, resumed runs")
  func sweep() throws {
    let text = try String(contentsOf: fixtures.appending(path: "lr/sweep.txt"), encoding: .utf8)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 336)
    for line in lines {
      let expected = try #require(SweepLine(line))
      #expect(expected.rates.count == 24)
      var stepCount = expected.stepCount
      for (number, bits) in expected.rates.enumerated() {
        let iteration = expected.first + number
        stepCount = expected.policy.stepCount(iteration: iteration, after: stepCount)
        let rate = expected.policy.rate(
          base: expected.base, iteration: iteration, stepCount: stepCount)
        #expect(rate.bitPattern == bits, "\(expected.policy), iteration \(iteration): \(rate)")
        guard expected.first == 0 else { continue }
        #expect(
          expected.policy.rate(base: expected.base, iteration: iteration).bitPattern == bits,
          "\(expected.policy), iteration \(iteration), at once")
      }
    }
  }
}
