import GradientChecking
import Layers
import Tensors
import Testing

/// Where the derivative is a matter of choice, the choice is pinned: Caffe's.
@Suite struct ConventionsAtKinks {
  private func inputGradient(
    of layer: any SingleInputLayer<Double>, at input: Tensor<Double>, upstream: [Double]
  ) throws -> [Double] {
    func run<L: SingleInputLayer>(_ layer: L) throws -> [Double] where L.Scalar == Double {
      let forward = try layer.forward(input)
      return try layer.backward(
        Tensor(forward.output.shape, upstream), input: input, after: forward
      ).input.elements
    }
    return try run(layer)
  }

  @Test func reluPassesItsSlopeAtZero() throws {
    let input = Tensor<Double>(Shape(1, 5), [-1, -0.0, 0, 1e-300, 2])
    for backend in versions {
      let plain = try inputGradient(
        of: backend.relu(ReLUSpecification()), at: input, upstream: [1, 2, 3, 4, 5])
      #expect(plain == [0, 0, 0, 4, 5])
      let leaky = try inputGradient(
        of: backend.relu(ReLUSpecification(negativeSlope: 0.5)), at: input,
        upstream: [1, 2, 3, 4, 5])
      #expect(leaky == [0.5, 1, 1.5, 4, 5])
    }
  }

  @Test func theFirstMaximumTakesTheGradient() throws {
    // Windows of 2×2 with stride 1 on
    //     3 3 1
    //     3 0 3
    // have their first maxima at (0, 0) and (0, 1).
    let input = Tensor<Double>(Shape(1, 1, 2, 3), [3, 3, 1, 3, 0, 3])
    for backend in versions {
      let gradient = try inputGradient(
        of: backend.pooling(PoolingSpecification(.maximum, kernel: 2)), at: input,
        upstream: [10, 1])
      #expect(gradient == [10, 1, 0, 0, 0, 0])
    }
  }

  @Test func aMaximumSharedByWindowsTakesAllTheirGradients() throws {
    let input = Tensor<Double>(Shape(1, 1, 3, 3), [0, 0, 0, 0, 9, 0, 0, 0, 0])
    for backend in versions {
      let gradient = try inputGradient(
        of: backend.pooling(PoolingSpecification(.maximum, kernel: 2)), at: input,
        upstream: [1, 20, 300, 4000])
      #expect(gradient == [0, 0, 0, 0, 4321, 0, 0, 0, 0])
    }
  }

  /// Both choices are reported as kinks, with the interval of what could be defended.
  @Test func theCheckerFindsTheIntervals() throws {
    for backend in versions {
      let relu = try check(
        backend.relu(ReLUSpecification(negativeSlope: 0.25)), input: Shape(1, 3),
        at: Tensor(Shape(1, 3), [-1, 0, 1]))
      let report = try #require(relu.tensors.first)
      #expect(report.kinks == 1)
      #expect(report.passed)
    }
  }
}
