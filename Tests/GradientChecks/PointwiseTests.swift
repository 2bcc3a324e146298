import Layers
import Tensors
import Testing

@Suite struct ReLUGradients {
  static let cases = [
    LayerCase("plain", ReLUSpecification(), Shape(2, 3, 4, 4)),
    LayerCase("leaky", ReLUSpecification(negativeSlope: 0.1), Shape(2, 3, 4, 4)),
    LayerCase(
      "a slope below 0 can't run in place", ReLUSpecification(negativeSlope: -0.5), Shape(3, 7)),
    LayerCase("at 0", ReLUSpecification(), Shape(2, 3, 3, 3), at: .integers),
    LayerCase(
      "leaky at 0", ReLUSpecification(negativeSlope: 0.25), Shape(2, 3, 3, 3), at: .integers),
    LayerCase("vectors", ReLUSpecification(), Shape(4, 9)),
    LayerCase("tiny numbers", ReLUSpecification(), Shape(2, 10), at: .scaled(1e-12)),
  ]

  @Test func areRight() throws {
    try expectRight(Self.cases, smooth: 1e-9)
  }
}

@Suite struct DropoutGradients {
  static let cases = [
    LayerCase("half", DropoutSpecification(), Shape(3, 20)),
    LayerCase("images", DropoutSpecification(ratio: 0.3), Shape(2, 3, 3, 4)),
    LayerCase("almost all", DropoutSpecification(ratio: 0.95), Shape(3, 40)),
    LayerCase("testing", DropoutSpecification(), Shape(3, 20), phase: .testing),
  ]

  @Test func areRight() throws {
    try expectRight(Self.cases, smooth: 1e-9)
  }
}

@Suite struct InnerProductGradients {
  static let cases = [
    LayerCase("vectors", InnerProductSpecification(outputs: 7), Shape(3, 5)),
    LayerCase("images", InnerProductSpecification(outputs: 4), Shape(2, 3, 2, 3)),
    LayerCase("square weights", InnerProductSpecification(outputs: 6), Shape(2, 6)),
    LayerCase("no bias", InnerProductSpecification(outputs: 3, hasBias: false), Shape(4, 6)),
    LayerCase("axis 2", InnerProductSpecification(outputs: 3, axis: 2), Shape(2, 3, 2, 2)),
    LayerCase("axis 0", InnerProductSpecification(outputs: 3, axis: 0), Shape(2, 3, 2)),
    LayerCase("one image", InnerProductSpecification(outputs: 9), Shape(1, 30)),
    LayerCase(
      "large numbers", InnerProductSpecification(outputs: 5), Shape(2, 8), at: .scaled(1e10)),
  ]

  @Test func areRight() throws {
    try expectRight(Self.cases, smooth: 1e-9)
  }
}
