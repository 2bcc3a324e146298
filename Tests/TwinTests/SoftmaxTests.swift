import Fast
import LayerCases
import Layers
import Reference
import Tensors
import Testing

@Suite("Softmax, loss and accuracy where numbers are special")
struct SoftmaxTests {
  @Test("Large scores don't overflow, NaN spoils its own position only")
  func extremes() throws {
    let input = Tensor<Float>(
      Shape(2, 3, 1, 2), [1e30, .nan, -1e30, 0, 1e30, 1, 88, -200, 89, -.infinity, 90, -201])
    let expected = try Reference.Softmax<Float>().forward(input).output
    let actual = try Fast.Softmax<Float>().forward(input).output
    // Three powers, their sum and a division: a few roundings of numbers up to 1.
    #expect(expected.largestDifference(to: actual) <= 1e-6)
  }

  @Test("A hopeless label costs 87.3, no more")
  func hopeless() throws {
    let scores = Tensor<Float>(Shape(1, 2), [1000, 0])
    let specification = SoftmaxWithLossSpecification()
    for loss in [
      Reference.SoftmaxWithLoss<Float>(specification) as any SingleInputLayer<Float>,
      Fast.SoftmaxWithLoss<Float>(specification),
    ] {
      // −log of the least normal number, 87.33655.
      #expect(abs(try value(loss, scores, [1]) - 87.3365) < 1e-3)
    }
  }

  @Test("Labels that don't fit are refused", arguments: [[0], [0, 1, 2], [0, 3], [-1, 0]])
  func refused(labels: [Int]) throws {
    let scores = Tensor<Float>(Shape(2, 3))
    let loss = Fast.SoftmaxWithLoss<Float>(SoftmaxWithLossSpecification())
    #expect(throws: LayerError.self) { try value(loss, scores, labels) }
    let accuracy = Fast.Accuracy<Float>(AccuracySpecification())
    #expect(throws: LayerError.self) { try value(accuracy, scores, labels) }
  }

  @Test("Accuracy agrees on NaN", arguments: LayerCase.accuracy)
  func notANumber(_ testCase: LayerCase) throws {
    let specification = try #require(testCase.specification as? AccuracySpecification)
    // Whole numbers: ties.
    for whole in [false, true] {
      var scores = try LayerData<Float>(testCase, whole: whole).inputs[0]
      for i in stride(from: 0, to: scores.count, by: 5) { scores[i] = .nan }
      #expect(
        try value(Reference.Accuracy<Float>(specification), scores, testCase.labels)
          == value(Fast.Accuracy<Float>(specification), scores, testCase.labels))
    }
  }

  private func value<L: SingleInputLayer>(
    _ layer: L, _ scores: Tensor<L.Scalar>, _ labels: [Int]
  ) throws -> L.Scalar {
    try layer.forward(scores, context: RunContext(labels: labels)).output[0]
  }
}
