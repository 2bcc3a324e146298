import GradientChecking
import RealModule
import Tensors
import Testing

/// One query that attends to some keys: y = Σⱼ pⱼ·vⱼ with p = softmax(K·q).
@Suite("Attention")
struct AttentionTests {
  private struct Attention {
    var keys, values: [[Double]]

    init(seed: UInt64) {
      var generator = SplitMix64(seed: seed)
      keys = (0..<5).map { _ in (0..<3).map { _ in generator.nextNormal() } }
      values = (0..<5).map { _ in (0..<4).map { _ in generator.nextNormal() } }
    }

    func weights(_ query: [Double]) -> [Double] {
      let powers = keys.map { Double.exp(inner($0, query)) }
      return powers.map { $0 / powers.reduce(0, +) }
    }

    func output(_ query: [Double]) -> [Double] {
      zip(weights(query), values).reduce([0, 0, 0, 0]) { sum, term in
        zip(sum, term.1).map { $0 + term.0 * $1 }
      }
    }

    /// ∂L/∂q = Σⱼ pⱼ·(dy·vⱼ − Σₖ pₖ·dy·vₖ)·kⱼ; the inner sum is what is forgotten.
    func gradient(_ query: [Double], _ upstream: [Double], forgetting: Bool) -> [Double] {
      let weights = weights(query)
      let terms = values.map { inner($0, upstream) }
      let mean = forgetting ? 0 : inner(weights, terms)
      return query.indices.map { d in
        keys.indices.reduce(0) { $0 + weights[$1] * (terms[$1] - mean) * keys[$1][d] }
      }
    }

    private func inner(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  private func report(seed: UInt64, forgetting: Bool) throws -> GradientReport {
    let attention = Attention(seed: seed)
    let point = Tensor<Double>(Shape(3), [0.3, -0.7, 0.5])
    return try check(
      PlainFunction(
        at: ["q": point],
        value: { ["y": Tensor(Shape(4), attention.output($0["q"]?.elements ?? []))] },
        gradient: { point, upstream in
          let gradient = attention.gradient(
            point["q"]?.elements ?? [], upstream["y"]?.elements ?? [], forgetting: forgetting)
          return ["q": Tensor(Shape(3), gradient)]
        }))
  }

  @Test(
    "without the term of the softmax's sum is wrong, and told so", arguments: [1, 2, 3] as [UInt64])
  func forgottenSum(seed: UInt64) throws {
    #expect(try report(seed: seed, forgetting: false).passed)
    let wrong = try report(seed: seed, forgetting: true)
    #expect(!wrong.passed)
    #expect(wrong.explanation.contains("divided by their sum, as a softmax's in attention"))
    #expect(wrong.tensors.allSatisfy { $0.version == "yours" })
  }

  @Test("tells how far it has come, and stops when asked to")
  func progress() throws {
    let attention = Attention(seed: 1)
    let function = PlainFunction(
      at: ["q": Tensor<Double>(Shape(3), [0.3, -0.7, 0.5])],
      value: { ["y": Tensor(Shape(4), attention.output($0["q"]?.elements ?? []))] },
      gradient: { point, upstream in
        let gradient = attention.gradient(
          point["q"]?.elements ?? [], upstream["y"]?.elements ?? [], forgetting: false)
        return ["q": Tensor(Shape(3), gradient)]
      })
    var seen: [Int] = []
    let all = try check(function) { state in
      #expect(state.tensor == "q" && state.tensors == 1 && state.lines == 6)
      seen.append(state.linesDone)
      return true
    }
    // Three elements, two random directions, and that which moves all alike.
    #expect(seen == [1, 2, 3, 4, 5, 6] && all.passed)
    let part = try check(function) { $0.linesDone < 2 }
    #expect(part.tensors[0].checked == 2)
  }
}
