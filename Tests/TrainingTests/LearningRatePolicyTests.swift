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
