import Fast
import Layers
import Reference
import Tensors
import Testing

@Suite("ReLU and dropout where numbers are special")
struct ElementwiseTests {
  @Test("NaN, infinities and zeros", arguments: [0, 0.1, -0.5])
  func extremes(slope: Double) throws {
    let specification = ReLUSpecification(negativeSlope: slope)
    let values: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, -1]
    // Often enough to meet vectors and what remains after them.
    let input = Tensor(Shape(values.count * 13), (0..<13).flatMap { _ in values })
    let reference = Reference.ReLU<Float>(specification)
    let fast = Fast.ReLU<Float>(specification)
    #expect(fast.inPlaceObstacle == reference.inPlaceObstacle)
    let expected = try reference.forward(input)
    let actual = try fast.forward(input)
    #expect(expected.output.largestDifference(to: actual.output) == 0)
    let upstream = Tensor<Float>(input.shape, repeating: 3)
    let expectedGradient = try reference.backward(upstream, input: input, after: expected)
    let actualGradient = try fast.backward(upstream, input: input, after: actual)
    #expect(expectedGradient.input == actualGradient.input)
  }

  @Test("Both versions of dropout leave the random numbers at the same place")
  func randomness() {
    let specification = DropoutSpecification()
    let reference = contextAfter(Reference.Dropout<Float>(specification))
    #expect(contextAfter(Fast.Dropout<Float>(specification)) == reference)
    #expect(reference != RunContext(seed: 3))
  }

  private func contextAfter(_ layer: some InPlaceLayer<Float>) -> RunContext? {
    var context = RunContext(seed: 3)
    var data = Tensor<Float>(Shape(3, 7), repeating: 1)
    guard var saved = try? layer.makeSaved(for: data.shape) else { return nil }
    layer.forward(inPlace: &data, context: &context, saved: &saved)
    return context
  }
}
