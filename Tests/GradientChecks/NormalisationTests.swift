import Layers
import Tensors
import Testing

@Suite struct LRNGradients {
  static let cases = [
    LayerCase("across channels", LRNSpecification(), Shape(2, 7, 2, 3)),
    LayerCase(
      "AlexNet's α", LRNSpecification(localSize: 5, alpha: 1e-4, beta: 0.75), Shape(2, 8, 2, 2),
      at: .scaled(20)),
    LayerCase(
      "the paper's k", LRNSpecification(localSize: 5, alpha: 1e-1, beta: 0.75, k: 2),
      Shape(2, 6, 2, 2)),
    LayerCase("more neighbours than channels", LRNSpecification(localSize: 7), Shape(2, 3, 2, 2)),
    LayerCase("one neighbour", LRNSpecification(localSize: 1), Shape(2, 3, 3, 3)),
    LayerCase("another power", LRNSpecification(localSize: 3, beta: 1.3), Shape(2, 4, 2, 3)),
    LayerCase(
      "within a channel", LRNSpecification(localSize: 3, region: .withinChannel),
      Shape(2, 2, 5, 4)),
    LayerCase(
      "within a channel, wider than it",
      LRNSpecification(localSize: 5, alpha: 0.5, region: .withinChannel), Shape(2, 2, 3, 4)),
    LayerCase(
      "large numbers", LRNSpecification(localSize: 3, alpha: 1e-4), Shape(2, 4, 2, 3),
      at: .scaled(1e4)),
  ]

  @Test func areRight() throws {
    try expectRight(Self.cases, smooth: 1e-9)
  }
}

@Suite struct SoftmaxGradients {
  static let cases = [
    LayerCase("vectors", SoftmaxSpecification(), Shape(3, 8)),
    LayerCase("at each position", SoftmaxSpecification(), Shape(2, 4, 2, 3)),
    LayerCase("one class", SoftmaxSpecification(), Shape(2, 1, 2, 2)),
    LayerCase("confident", SoftmaxSpecification(), Shape(3, 6), at: .scaled(5)),
  ]

  @Test func areRight() throws {
    try expectRight(Self.cases, smooth: 1e-9)
  }
}
