import Layers
import Tensors

extension LayerCase {
  /// Concatenations along every axis, of one input and of several, and one with nothing in it.
  public static let concat: [LayerCase] = [
    LayerCase("channels", ConcatSpecification(), Shape(2, 3, 4, 5), Shape(2, 2, 4, 5)),
    LayerCase(
      "four branches, as in GoogLeNet", ConcatSpecification(), Shape(3, 8, 7, 7),
      Shape(3, 16, 7, 7), Shape(3, 4, 7, 7), Shape(3, 4, 7, 7)),
    LayerCase("images", ConcatSpecification(axis: 0), Shape(2, 3, 4), Shape(5, 3, 4)),
    LayerCase(
      "columns", ConcatSpecification(axis: 3), Shape(2, 3, 4, 1), Shape(2, 3, 4, 6),
      Shape(2, 3, 4, 2)),
    LayerCase("vectors", ConcatSpecification(), Shape(3, 7), Shape(3, 1)),
    LayerCase("one input", ConcatSpecification(), Shape(2, 3, 2, 2)),
    LayerCase("an input of no channels", ConcatSpecification(), Shape(2, 3, 2), Shape(2, 0, 2)),
    LayerCase("large", ConcatSpecification(), Shape(2, 17, 61, 67), Shape(2, 5, 61, 67)),
    LayerCase("no images", ConcatSpecification(), Shape(0, 3, 2), Shape(0, 1, 2)),
  ]

  /// Sums with and without coefficients, products by both gradients, maxima with ties.
  public static let eltwise: [LayerCase] =
    EltwiseSpecification.Operation.allCases.flatMap { operation in
      [
        LayerCase("\(operation) of two", .init(operation), shape, shape),
        LayerCase("\(operation) of four", .init(operation), shape, shape, shape, shape),
        LayerCase("\(operation), large", .init(operation), large, large, large),
        LayerCase("\(operation) of nothing", .init(operation), Shape(0, 3), Shape(0, 3)),
      ]
    } + [
      LayerCase("difference", .init(coefficients: [1, -1]), shape, shape),
      LayerCase("weighted sum", .init(coefficients: [0.3, -2, 0]), shape, shape, shape),
      LayerCase(
        "product, by division", .init(.product, hasStableProductGradient: false), shape, shape,
        shape),
      LayerCase("product with zeros", .init(.product), shape, shape, shape, at: .integers),
      LayerCase("maximum with ties", .init(.maximum), shape, shape, shape, at: .integers),
    ]

  private static let shape = Shape(2, 3, 4, 5)
  private static let large = Shape(2, 3, 131, 127)

  /// Adaptive pooling to sizes that divide the input's, that don't, and that exceed it.
  public static let adaptiveAveragePooling: [LayerCase] = [
    LayerCase("as torchvision's AlexNet", .init(output: 6), Shape(2, 3, 6, 6)),
    LayerCase("halves", .init(output: 3), Shape(2, 3, 6, 6)),
    LayerCase("uneven windows", .init(output: Extent(height: 3, width: 4)), Shape(2, 3, 7, 9)),
    LayerCase("to more than there is", .init(output: 6), Shape(1, 2, 4, 5)),
    LayerCase("global", .init(output: 1), Shape(3, 5, 7, 6)),
    LayerCase("one pixel to many", .init(output: Extent(height: 2, width: 3)), Shape(1, 2, 1, 1)),
    LayerCase("large", .init(output: 7), Shape(2, 17, 41, 37)),
    LayerCase("no images", .init(output: 2), Shape(0, 3, 5, 5)),
  ]
}

extension LayerCase {
  fileprivate init(
    _ title: String, _ specification: EltwiseSpecification, _ inputs: Shape...,
    at point: Point = .normal
  ) {
    self.init(title, specification, inputs, at: point)
  }

  fileprivate init(
    _ title: String, _ specification: AdaptiveAveragePoolingSpecification, _ input: Shape
  ) {
    self.init(title, specification, [input])
  }
}
