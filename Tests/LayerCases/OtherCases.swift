import Layers
import Tensors

extension LayerCase {
  /// Inner products of one image, of few, and of batches that no block divides.
  public static let innerProduct: [LayerCase] =
    [
      LayerCase("a vector", InnerProductSpecification(outputs: 5), Shape(1, 7)),
      LayerCase("one image", InnerProductSpecification(outputs: 9), Shape(1, 30)),
      LayerCase("vectors", InnerProductSpecification(outputs: 7), Shape(3, 5)),
      LayerCase("square weights", InnerProductSpecification(outputs: 6), Shape(2, 6)),
      LayerCase("a long vector", InnerProductSpecification(outputs: 67), Shape(1, 1031)),
      LayerCase("images", InnerProductSpecification(outputs: 11), Shape(3, 4, 3, 5)),
      LayerCase("16 images", InnerProductSpecification(outputs: 77), Shape(16, 103)),
      LayerCase("17 images", InnerProductSpecification(outputs: 77), Shape(17, 103)),
      LayerCase("a batch", InnerProductSpecification(outputs: 300), Shape(37, 101)),
      LayerCase("tiles", InnerProductSpecification(outputs: 270), Shape(6, 800)),
      LayerCase(
        "no bias", InnerProductSpecification(outputs: 9, hasBias: false), Shape(5, 2, 3, 3)),
      LayerCase(
        "no bias, one image", InnerProductSpecification(outputs: 9, hasBias: false), Shape(1, 18)),
      LayerCase("axis 2", InnerProductSpecification(outputs: 4, axis: 2), Shape(3, 5, 2, 3)),
      LayerCase("axis 0", InnerProductSpecification(outputs: 4, axis: 0), Shape(3, 5)),
      LayerCase(
        "large numbers", InnerProductSpecification(outputs: 5), Shape(2, 8), at: .scaled(1e10)),
      LayerCase("no images", InnerProductSpecification(outputs: 4), Shape(0, 5)),
    ] + batches

  /// Batches of each of Tuned's algorithms, on numbers that fill no vector, tile or block.
  private static let batches = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17].map { images in
    LayerCase(
      "a batch of \(images)", InnerProductSpecification(outputs: 77), Shape(images, 1031),
      tuned: images < 4
        ? "dot products, 4 rows" : images <= 16 ? "16 images in a vector" : "GEMM, packed")
  }

  private static let shapes = [
    Shape(1, 7), Shape(3, 5, 4, 3), Shape(2, 3, 131, 127), Shape(0, 4), Shape(),
  ]

  /// ReLUs with slopes of both signs, and at their kink.
  public static let relu: [LayerCase] =
    shapes.flatMap { shape in
      [0, 0.1, -0.5].map {
        LayerCase("slope \($0)", ReLUSpecification(negativeSlope: $0), shape)
      }
    } + [
      LayerCase("at 0", ReLUSpecification(), Shape(2, 3, 3, 3), at: .integers),
      LayerCase(
        "leaky at 0", ReLUSpecification(negativeSlope: 0.25), Shape(2, 3, 3, 3), at: .integers),
      LayerCase("tiny numbers", ReLUSpecification(), Shape(2, 10), at: .scaled(1e-12)),
    ]

  /// Sigmoids, where they bend and where they are flat.
  public static let sigmoid: [LayerCase] = squashing(SigmoidSpecification())

  /// Hyperbolic tangents, likewise.
  public static let tanh: [LayerCase] = squashing(TanHSpecification())

  private static func squashing(_ specification: any LayerSpecification) -> [LayerCase] {
    shapes.map { LayerCase("bent", specification, $0) } + [
      LayerCase("at 0", specification, Shape(2, 3, 3, 3), at: .integers),
      LayerCase("nearly flat", specification, Shape(2, 10), at: .scaled(4)),
      LayerCase("tiny numbers", specification, Shape(2, 10), at: .scaled(1e-6)),
    ]
  }

  /// Dropout of several ratios, in both phases.
  public static let dropout: [LayerCase] =
    shapes.flatMap { shape in
      [0.5, 0.1, 0].map { LayerCase("ratio \($0)", DropoutSpecification(ratio: $0), shape) }
    } + [
      LayerCase("almost all", DropoutSpecification(ratio: 0.95), Shape(3, 40)),
      LayerCase("testing", DropoutSpecification(), Shape(3, 20), phase: .testing),
    ]

  /// The loss with every normalisation, labels that are ignored, and a weight.
  public static let softmaxWithLoss: [LayerCase] =
    scores.flatMap { shape in
      SoftmaxWithLossSpecification.Normalization.allCases.flatMap { normalization in
        [nil, 0, 255].map { ignored in
          LayerCase(
            "\(normalization), ignoring \(ignored.map(String.init) ?? "none")",
            SoftmaxWithLossSpecification(
              normalization: normalization, ignoreLabel: ignored, lossWeight: 0.5),
            shape, labels: labels(for: shape, ignoring: ignored))
        }
      }
    } + [
      LayerCase(
        "all ignored", SoftmaxWithLossSpecification(ignoreLabel: 0), Shape(2, 3), labels: [0, 0]),
      LayerCase(
        "negative weight", SoftmaxWithLossSpecification(lossWeight: -2), Shape(2, 5),
        labels: [4, 1]),
      LayerCase(
        "confident", SoftmaxWithLossSpecification(), Shape(4, 6), at: .scaled(6),
        labels: [0, 5, 2, 2]),
    ]

  /// Accuracy among the highest scores.
  public static let accuracy: [LayerCase] = scores.flatMap { shape in
    [1, 5].filter { $0 <= shape.channels }.flatMap { topK in
      [nil, 0].map { ignored in
        LayerCase(
          "top \(topK), ignoring \(ignored.map(String.init) ?? "none")",
          AccuracySpecification(topK: topK, ignoreLabel: ignored), shape,
          labels: labels(for: shape, ignoring: ignored))
      }
    }
  }

  private static let scores = [
    Shape(1, 2), Shape(3, 10), Shape(5, 1), Shape(2, 7, 3, 5), Shape(1, 1000), Shape(37, 101),
    Shape(0, 10),
  ]

  /// A label for each image and position, some of them to be ignored.
  private static func labels(for scores: Shape, ignoring ignored: Int?) -> [Int] {
    var generator = SplitMix64(seed: 9)
    return (0..<scores.images * scores.spatialCount).map { i in
      if let ignored, i % 3 == 1 { return ignored }
      return Int(generator.next() % UInt64(scores.channels))
    }
  }
}
