import Fast
import Layers
import Tensors
import Testing

/// Scores that end in loss and accuracy: none, one class, many images, numbers that are not finite.
@Suite struct LossExtremes {
  private static let shapes = [
    Shape(0, 5), Shape(1, 1), Shape(1024, 7), Shape(3, 13, 1, 1), Shape(2, 37, 3, 5),
    Shape(1, 1009), Shape(0, 3, 2, 2),
  ]
  /// What is mixed among the scores; the last are denormal in one of the precisions.
  private static let specials = [0, .infinity, -.infinity, .nan, 1e30, -1e30, 0x1p-140, 0x1p-1030]

  @Test func aLossOfNoImagesIsZero() throws {
    for backend in versions(Float.self) {
      let loss = backend.softmaxWithLoss(SoftmaxWithLossSpecification())
      let result = try lossAndGradient(loss, Tensor(Shape(0, 5)), labels: [])
      #expect(result.loss == 0 && result.gradient.count == 0)
    }
  }

  @Test(arguments: shapes, specials)
  func lossesAgree(on shape: Shape, _ special: Double) throws {
    try expectSameLoss(Float.self, on: shape, special)
    try expectSameLoss(Double.self, on: shape, special)
  }

  private func expectSameLoss<Scalar: BLASScalar>(
    _ type: Scalar.Type, on shape: Shape, _ special: Double
  ) throws {
    for seed in 1...UInt64(5) {
      let (scores, labels) = scores(type, on: shape, special, seed: seed)
      let specification = SoftmaxWithLossSpecification(normalization: .none, ignoreLabel: 2)
      let results = try versions(type).map {
        try lossAndGradient($0.softmaxWithLoss(specification), scores, labels: labels)
      }
      let (naive, fast) = (results[0], results[1])
      let label = "\(type) on \(shape), \(special), seed \(seed)"
      // C powers, added in two orders, the power itself and a division: as for softmax's twins. The
      // relative error of a probability is the absolute one of its logarithm.
      let unit = (2 * Double(shape.channels).squareRoot() + 8) * Scalar.ulpOfOne.doubleValue
      let difference = naive.gradient.largestDifference(to: fast.gradient)
      #expect(difference <= unit, "\(label): gradients differ by \(difference)")
      let (expected, actual) = (naive.loss.doubleValue, fast.loss.doubleValue)
      #expect(expected.isNaN == actual.isNaN, "\(label): \(expected) and \(actual)")
      if !expected.isNaN {
        let terms = Double(labels.count)
        #expect(
          abs(expected - actual) <= unit * (terms + expected),
          "\(label): \(expected) and \(actual)")
      }
    }
  }

  @Test(arguments: shapes, specials)
  func accuraciesAgree(on shape: Shape, _ special: Double) throws {
    try expectSameAccuracy(Float.self, on: shape, special)
    try expectSameAccuracy(Double.self, on: shape, special)
  }

  private func expectSameAccuracy<Scalar: BLASScalar>(
    _ type: Scalar.Type, on shape: Shape, _ special: Double
  ) throws {
    for seed in 1...UInt64(5) {
      let (scores, labels) = scores(type, on: shape, special, seed: seed)
      for topK in Set([1, (shape.channels + 1) / 2, shape.channels]) {
        for ignored in [nil, 2] {
          let specification = AccuracySpecification(topK: topK, ignoreLabel: ignored)
          let values = try versions(type).map {
            try output($0.accuracy(specification), scores, context: RunContext(labels: labels))[0]
          }
          let label = "\(type) on \(shape), \(special), seed \(seed), \(specification)"
          #expect(values[0] == values[1], "\(label)")
          let counted = labels.count { $0 != ignored }
          if counted == 0 { #expect(values[0] == 0, "\(label): of nothing") }
          // There are no more than C − 1 rivals.
          if counted > 0 && topK == shape.channels { #expect(values[0] == 1, "\(label)") }
        }
      }
    }
  }

  /// Equals count against a label; nothing is as high as NaN, and NaN as high as nothing.
  @Test func accuracyOfEqualsAndOfNaN() throws {
    for backend in versions(Float.self) {
      let accuracy = backend.accuracy(AccuracySpecification())
      for score in [0, Float.infinity, -.infinity, .leastNonzeroMagnitude] {
        let scores = Tensor<Float>(Shape(1024, 3), repeating: score)
        let labels = (0..<1024).map { $0 % 3 }
        #expect(
          try output(accuracy, scores, context: RunContext(labels: labels))[0] == 0,
          "\(score)")
      }
      let scores = Tensor<Float>(Shape(4, 2), [.nan, 1, 1, .nan, .nan, .nan, .infinity, 1e30])
      #expect(
        try output(accuracy, scores, context: RunContext(labels: [0, 0, 1, 1]))[0] == 0.75)
    }
  }

  /// Whole scores, so that some are equal, with a special number for one in eight, and labels.
  private func scores<Scalar: BLASScalar>(
    _ type: Scalar.Type, on shape: Shape, _ special: Double, seed: UInt64
  ) -> (Tensor<Scalar>, [Int]) {
    var cases = RandomCases(seed: seed)
    var scores: Tensor<Scalar> = cases.whole(shape)
    for _ in 0..<(shape.count + 7) / 8 {
      scores[cases.integer(0...shape.count - 1)] = Scalar(special)
    }
    let labels = (0..<shape.images * shape.spatialCount).map { _ in
      cases.integer(0...shape.channels - 1)
    }
    return (scores, labels)
  }
}
