import Fast
import Layers
import RealModule
import Tensors
import Testing

@Suite struct MaximumPooling {
  /// The greatest of the images is the image of the greatest, for any map that keeps the order.
  @Test func commutesWithMonotoneMaps() throws {
    let maps: [(Double) -> Double] = [
      { $0 * $0 * $0 }, { .exp($0) }, { 2 * $0 - 7 }, { .tanh($0) }, { $0 < 0 ? 0 : $0 },
    ]
    try forAllSeeds { cases in
      let (specification, input) = cases.pooling(.maximum)
      let x: Tensor<Double> = cases.normal(input)
      let map = maps[cases.integer(0...maps.count - 1)]
      for backend in versions(Double.self) {
        let layer = backend.pooling(specification)
        let pooled = try output(layer, x)
        expectSame(
          try output(layer, Tensor(input, x.elements.map(map))),
          Tensor(pooled.shape, pooled.elements.map(map)),
          "seed \(cases.seed), \(backend.name) \(specification) on \(input)")
      }
    }
  }
}

@Suite struct Normalisation {
  /// s⁰ = 1.
  @Test func withBetaZeroIsTheIdentity() throws {
    try forAllSeeds { cases in
      var (specification, input) = cases.lrn()
      specification.beta = 0
      let (x, upstream): (Tensor<Double>, Tensor<Double>) = (
        cases.normal(input), cases.normal(input)
      )
      for backend in versions(Double.self) {
        let result = try run(backend.lrn(specification), x, upstream: upstream)
        let label = "seed \(cases.seed), \(backend.name) \(specification) on \(input)"
        expectSame(result.output, x, label)
        expectSame(result.gradients.input, upstream, label)
      }
    }
  }
}

@Suite struct DropoutMean {
  /// Dropout divides what it keeps by the share that it keeps: the mean over masks is the input.
  @Test func isTheInput() throws {
    try forAllSeeds { cases in
      let ratio = Double(cases.integer(1...19)) / 20
      let specification = DropoutSpecification(ratio: ratio)
      let input = Shape(2, 500)
      let x = Tensor<Double>(input, repeating: 1)
      for backend in versions(Double.self) {
        let layer = backend.dropout(specification)
        let dropped = try output(
          layer, x, context: RunContext(seed: UInt32(truncatingIfNeeded: cases.seed)))
        let mean = dropped.elements.reduce(0, +) / Double(input.count)
        // One value has the variance ratio/(1 − ratio); five deviations of the mean of 1000 fail
        // once in two million seeds.
        let deviation = Double.sqrt(ratio / (1 - ratio) / Double(input.count))
        #expect(abs(mean - 1) <= 5 * deviation, "seed \(cases.seed), \(backend.name) \(ratio)")
        let kept = Set(dropped.elements)
        #expect(kept.isSubset(of: [0, specification.scale]), "\(backend.name) \(ratio)")
        expectSame(
          try output(layer, x, context: RunContext(phase: .testing)), x,
          "\(backend.name) in testing")
      }
    }
  }
}

@Suite struct SoftmaxProperties {
  /// A constant added to all scores cancels. Whole numbers are moved without rounding.
  @Test func isInvariantUnderShifts() throws {
    try forAllSeeds { cases in
      let input = Shape(cases.integer(1...5), cases.integer(1...30), 1, cases.integer(1...4))
      let x: Tensor<Float> = cases.whole(input)
      let shift = Float(cases.integer(-10_000...10_000))
      for backend in versions(Float.self) {
        let layer = backend.softmax(SoftmaxSpecification())
        expectSame(
          try output(layer, Tensor(input, x.elements.map { $0 + shift })), try output(layer, x),
          "seed \(cases.seed), \(backend.name) on \(input), shifted by \(shift)")
      }
    }
  }

  /// Scores of ±1e30 leave no room for e^x; the probabilities are 0, 1, or shared among equals.
  @Test func neverOverflows() throws {
    try forAllSeeds { cases in
      let input = Shape(cases.integer(1...4), cases.integer(1...20))
      var x = Tensor<Float>(input)
      for i in 0..<x.count { x[i] = [1e30, -1e30, 0, 1][cases.integer(0...3)] }
      for backend in versions(Float.self) {
        let label = "seed \(cases.seed), \(backend.name) on \(input)"
        let result = try run(
          backend.softmax(SoftmaxSpecification()), x, upstream: Tensor(input, repeating: 1))
        for n in 0..<input.images {
          let row = result.output.elements[n * input.channels..<(n + 1) * input.channels]
          // At most 20 roundings of terms that add up to 1.
          #expect(abs(row.reduce(0, +) - 1) <= 20 * Float.ulpOfOne, "\(label)")
          #expect(row.allSatisfy { $0 >= 0 && $0 <= 1 }, "\(label)")
        }
        #expect(result.gradients.input.largestMagnitude.isFinite, "\(label)")
        let loss = backend.softmaxWithLoss(SoftmaxWithLossSpecification())
        let value = try lossAndGradient(loss, x, labels: [Int](repeating: 0, count: input.images))
        #expect(value.loss.isFinite && value.gradient.largestMagnitude.isFinite, "\(label)")
      }
    }
  }

  /// The gradient is in proportion to the loss weight.
  @Test func theLossWeightScalesTheGradient() throws {
    try forAllSeeds { cases in
      let input = Shape(cases.integer(1...5), cases.integer(1...30))
      let x: Tensor<Double> = cases.normal(input)
      let labels = (0..<input.images).map { _ in cases.integer(0...input.channels - 1) }
      let weight = Double(cases.integer(-40...40)) / 8
      for backend in versions(Double.self) {
        let plain = try lossAndGradient(
          backend.softmaxWithLoss(SoftmaxWithLossSpecification()), x, labels: labels)
        let weighted = try lossAndGradient(
          backend.softmaxWithLoss(SoftmaxWithLossSpecification(lossWeight: weight)), x,
          labels: labels)
        let label = "seed \(cases.seed), \(backend.name) on \(input), weight \(weight)"
        #expect(weighted.loss == plain.loss, "\(label): the loss itself isn't weighted")
        for i in 0..<x.count {
          let expected = weight * plain.gradient[i]
          // The weight may be multiplied before or after the division by N: two roundings each.
          #expect(abs(weighted.gradient[i] - expected) <= 0x1p-51 * abs(expected), "\(label)")
        }
      }
    }
  }
}

/// A loss and the gradient of the loss times its weight by the scores.
func lossAndGradient<L: SingleInputLayer>(
  _ loss: L, _ scores: Tensor<L.Scalar>, labels: [Int]
) throws -> (loss: L.Scalar, gradient: Tensor<L.Scalar>) {
  let forward = try loss.forward(scores, context: RunContext(labels: labels))
  let weight = L.Scalar(loss.specification.lossWeight)
  let gradients = try loss.backward(Tensor(Shape(), [weight]), input: scores, after: forward)
  return (forward.output[0], gradients.input)
}
