import Fast
import LayerCases
import Layers
import Reference
import Tensors
import Testing
import Tuned

@Suite("LRN: infinities and NaN go the same way")
struct LRNTests {
  @Test(arguments: LayerCase.lrn)
  func extremes(_ testCase: LayerCase) throws {
    let specification = try #require(testCase.specification as? LRNSpecification)
    var input = try LayerData<Float>(testCase).inputs[0]
    let extremes: [Float] = [.infinity, .nan, 1e30, 0]
    for i in stride(from: 0, to: input.count, by: 11) { input[i] = extremes[i / 11 % 4] }
    let reference = try Reference.LRN<Float>(specification).forward(input).output
    for fast in [
      try Fast.LRN<Float>(specification).forward(input).output,
      try Tuned.LRN(specification).forward(input).output,
    ] {
      for i in 0..<input.count {
        // Sums of up to 81 squares, a root and a power, as in `LayerCase.tolerance`.
        let (a, b) = (reference[i], fast[i])
        #expect(a.isNaN == b.isNaN && (a.isNaN || a == b || abs(a - b) <= 1e-5 * abs(a)))
      }
    }
  }
}
