import Layers
import Networks
import Reference
import Tensors
import Testing

@testable import walkthrough

@Suite("a value computed by hand")
struct WorkedExampleTests {
  private func byHand(
    _ specification: any LayerSpecification, scores: [Float], label: Int
  ) throws -> WorkedExample {
    let pass = LayerPass(
      input: Tensor(Shape(1, scores.count), scores), output: Tensor(Shape()), parameters: [],
      context: RunContext(), label: label)
    return try #require(specification.tour.workedExample(at: 0, pass))
  }

  /// −ln of the least probability that counts, Float's least normal number, is 87.3.
  @Test(
    "is a loss of at most 87.3, as Caffe's, and says where that is",
    arguments: [(Float(50), false), (86, false), (88, true), (500, true), (3e38, true)])
  func loss(lead: Float, isClamped: Bool) throws {
    let specification = SoftmaxWithLossSpecification()
    let hand = try byHand(specification, scores: [0, lead, 0], label: 0)
    let layer = Reference.SoftmaxWithLoss<Float>(specification)
    let loss = try layer.forward(
      Tensor(Shape(1, 3), [0, lead, 0]), context: RunContext(labels: [0])
    ).output[0]
    // Float keeps seven digits.
    #expect(abs(hand.byHand - Double(loss)) <= 1e-6 * hand.byHand)
    #expect(hand.steps.contains { $0.hasPrefix("less than the least") } == isClamped)
    #expect(abs(hand.byHand - (isClamped ? 87.3365 : Double(lead))) < 1e-4)
  }

  @Test("is right where fewer than k other classes score as high", arguments: 1...4, 0..<4)
  func accuracy(topK: Int, label: Int) throws {
    // Classes 0 and 3 tie: each counts as the other's rival.
    let scores: [Float] = [2, 5, -1, 2]
    let rivals = [2, 0, 3, 2]
    let specification = AccuracySpecification(topK: topK)
    let hand = try byHand(specification, scores: scores, label: label)
    #expect(hand.byHand == (rivals[label] < topK ? 1 : 0))
    let layer = Reference.Accuracy<Float>(specification)
    let measured = try layer.forward(
      Tensor(Shape(1, 4), scores), context: RunContext(labels: [label])
    ).output[0]
    #expect(hand.byHand == Double(measured))
    #expect(hand.steps[0].hasPrefix(rivals[label] == 1 ? "1 other" : "\(rivals[label]) other"))
  }

  @Test("is nothing for a label that is to be ignored")
  func ignored() throws {
    let loss = SoftmaxWithLossSpecification(ignoreLabel: 1)
    let accuracy = AccuracySpecification(ignoreLabel: 1)
    for specification in [loss as any SingleInputSpecification, accuracy] {
      let hand = try byHand(specification, scores: [0, 9], label: 1)
      #expect(hand.byHand == 0)
      #expect(hand.steps[0].hasPrefix("label 1 is to be ignored"))
    }
  }
}
