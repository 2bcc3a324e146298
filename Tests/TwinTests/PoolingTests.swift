import Fast
import LayerCases
import Layers
import Reference
import Tensors
import Testing
import Tuned

@Suite("Pooling: the positions of the maxima are the same")
struct PoolingTests {
  @Test(arguments: LayerCase.pooling)
  func positions(_ testCase: LayerCase) throws {
    let specification = try #require(testCase.specification as? PoolingSpecification)
    var input = try LayerData<Float>(testCase, whole: true).inputs[0]
    try expectPositions(specification, input)
    // Values that are greater than nothing, in many places and then everywhere.
    for value in [Float.nan, -.infinity, -.greatestFiniteMagnitude] {
      for i in stride(from: 0, to: input.count, by: 2) { input[i] = value }
      try expectPositions(specification, input)
      try expectPositions(specification, Tensor(input.shape, repeating: value))
    }
  }

  private func expectPositions(
    _ specification: PoolingSpecification, _ input: Tensor<Float>
  ) throws {
    let reference = try Reference.Pooling<Float>(specification).forward(input)
    let fast = try Fast.Pooling<Float>(specification).forward(input)
    let tuned = try Tuned.Pooling(specification).forward(input)
    #expect(reference.saved.maxPositions == fast.saved.maxPositions)
    #expect(reference.saved.maxPositions == tuned.saved.maxPositions)
    // An average sums up to 1,517 numbers, in the order of the formula or another one.
    let bound = specification.method == .maximum ? 0 : 1e-5
    #expect(reference.output.largestDifference(to: fast.output) <= bound)
    #expect(reference.output.largestDifference(to: tuned.output) <= bound)
  }
}
