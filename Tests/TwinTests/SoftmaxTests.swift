import Fast
import Layers
import Reference
import Tensors
import Testing

private let shapes = [
  Shape(1, 2), Shape(3, 10), Shape(5, 1), Shape(2, 7, 3, 5), Shape(1, 1000), Shape(37, 101),
  Shape(0, 10),
]

/// Sums of T powers in other orders, the power itself, and a division.
private func tolerance(_ scores: Shape) -> Tolerance {
  Tolerance(terms: [scores.channels, scores.channels], roundings: 8)
}

@Suite("Softmax: Reference and Fast agree")
struct SoftmaxTests {
  @Test(arguments: shapes)
  func agree(_ shape: Shape) throws {
    try compare(shape, Float.self)
    try compare(shape, Double.self)
  }

  private func compare<Scalar: BLASScalar>(_ shape: Shape, _ type: Scalar.Type) throws {
    try TwinTests.compare(
      Case("softmax", SoftmaxSpecification(), shape), type, tolerance: tolerance(shape),
      reference: Reference.Softmax<Scalar>(), fast: { Fast.Softmax<Scalar>(engine: $0) })
  }

  @Test("Large scores don't overflow, NaN spoils its own position only")
  func extremes() throws {
    let input = Tensor<Float>(
      Shape(2, 3, 1, 2), [1e30, .nan, -1e30, 0, 1e30, 1, 88, -200, 89, -.infinity, 90, -201])
    let expected = try Reference.Softmax<Float>().forward(input).output
    let actual = try Fast.Softmax<Float>().forward(input).output
    #expect(expected.largestDifference(to: actual) <= 1e-6)
  }
}

@Suite("SoftmaxWithLoss: Reference and Fast agree")
struct SoftmaxWithLossTests {
  @Test(arguments: shapes, SoftmaxWithLossSpecification.Normalization.allCases)
  func agree(_ shape: Shape, normalization: SoftmaxWithLossSpecification.Normalization) throws {
    for ignored in [nil, 0, 255] {
      let specification = SoftmaxWithLossSpecification(
        normalization: normalization, ignoreLabel: ignored, lossWeight: 0.5)
      try compare(shape, specification, Float.self)
      try compare(shape, specification, Double.self)
    }
  }

  private func compare<Scalar: BLASScalar>(
    _ shape: Shape, _ specification: SoftmaxWithLossSpecification, _ type: Scalar.Type
  ) throws {
    let scores = try Data<Scalar>(SoftmaxSpecification(), shape).input
    let labels = labels(for: shape, ignoring: specification.ignoreLabel)
    let reference = try run(Reference.SoftmaxWithLoss<Scalar>(specification), scores, labels)
    let fast = try engines.map {
      try run(Fast.SoftmaxWithLoss<Scalar>(specification, engine: $0), scores, labels)
    }
    expectAgreement(reference, fast[0], tolerance(shape), "\(specification) on \(shape)")
    for other in fast { #expect(other == fast[0]) }
  }

  private func run<L: SingleInputLayer>(_ loss: L, _ scores: Tensor<L.Scalar>, _ labels: [Int])
    throws
    -> Results<L.Scalar>
  {
    let forward = try loss.forward(scores, context: RunContext(labels: labels))
    var gradient: Tensor<L.Scalar>? = Tensor(scores.shape, repeating: 77)
    var none: [Tensor<L.Scalar>] = []
    loss.backward(
      outputGradient: Tensor(Shape(), repeating: 0.5), input: scores, output: forward.output,
      parameters: [], saved: forward.saved, inputGradient: &gradient, parameterGradients: &none,
      accumulating: false)
    return Results(
      output: forward.output, inputGradient: try #require(gradient), parameterGradients: [])
  }

  @Test("A hopeless label costs 87.3, no more")
  func hopeless() throws {
    let scores = Tensor<Float>(Shape(1, 2), [1000, 0])
    let specification = SoftmaxWithLossSpecification()
    for loss in [
      Reference.SoftmaxWithLoss<Float>(specification) as any SingleInputLayer<Float>,
      Fast.SoftmaxWithLoss<Float>(specification),
    ] {
      let value = try run(loss, scores, [1]).output[0]
      #expect(abs(value - 87.3365) < 1e-3)
    }
  }

  @Test("Labels that don't fit are refused", arguments: [[0], [0, 1, 2], [0, 3], [-1, 0]])
  func refused(labels: [Int]) throws {
    let scores = Tensor<Float>(Shape(2, 3))
    let loss = Fast.SoftmaxWithLoss<Float>(SoftmaxWithLossSpecification())
    #expect(throws: LayerError.self) { try run(loss, scores, labels) }
    let accuracy = Fast.Accuracy<Float>(AccuracySpecification())
    #expect(throws: LayerError.self) {
      try accuracy.forward(scores, context: RunContext(labels: labels)).output[0]
    }
  }
}

@Suite("Accuracy: Reference and Fast agree")
struct AccuracyTests {
  @Test(arguments: shapes, [1, 5])
  func agree(_ shape: Shape, topK: Int) throws {
    guard topK <= shape.channels else { return }
    for ignored in [nil, 0] {
      let specification = AccuracySpecification(topK: topK, ignoreLabel: ignored)
      let labels = labels(for: shape, ignoring: ignored)
      // Whole numbers: ties.
      for whole in [false, true] {
        var scores = try Data<Float>(SoftmaxSpecification(), shape, whole: whole).input
        for spoilt in [false, true] {
          if spoilt { for i in stride(from: 0, to: scores.count, by: 5) { scores[i] = .nan } }
          let expected = try Reference.Accuracy<Float>(specification)
            .forward(scores, context: RunContext(labels: labels)).output[0]
          let actual = try Fast.Accuracy<Float>(specification)
            .forward(scores, context: RunContext(labels: labels)).output[0]
          #expect(expected == actual)
        }
      }
    }
  }
}

/// A label for each image and position, some of them to be ignored.
private func labels(for scores: Shape, ignoring ignored: Int?) -> [Int] {
  var generator = SplitMix64(seed: 9)
  return (0..<scores.images * scores.spatialCount).map { i in
    if let ignored, i % 3 == 1 { return ignored }
    return Int(generator.next() % UInt64(scores.channels))
  }
}
