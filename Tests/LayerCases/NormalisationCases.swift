import Layers
import Tensors

extension LayerCase {
  /// Maximum and average pooling on the same windows, and what is special for a maximum.
  public static let pooling: [LayerCase] =
    windows.flatMap { title, specification, input in
      PoolingSpecification.Method.allCases.map { method in
        var specification = specification
        specification.method = method
        return LayerCase("\(method), \(title)", specification, input)
      }
    } + [
      LayerCase(
        "ties", PoolingSpecification(.maximum, kernel: 3, stride: 2), Shape(2, 2, 7, 7),
        at: .integers),
      LayerCase(
        "nothing but ties", PoolingSpecification(.maximum, kernel: 2, stride: 1),
        Shape(1, 2, 4, 4), at: .constant(1)),
    ]

  private static let windows: [(String, PoolingSpecification, Shape)] = [
    ("2×2", .init(.maximum, kernel: 2, stride: 2), Shape(2, 2, 4, 4)),
    ("overlapping", .init(.maximum, kernel: 3, stride: 2), Shape(2, 2, 7, 7)),
    ("overlapping all the way", .init(.maximum, kernel: 3), Shape(1, 2, 6, 5)),
    ("overlapping, as pool1", .init(.maximum, kernel: 3, stride: 2), Shape(2, 3, 13, 15)),
    ("cut by the border", .init(.maximum, kernel: 3, stride: 2), Shape(2, 2, 6, 8)),
    (
      "rounded down", .init(.maximum, kernel: 3, stride: 2, rounding: .floor), Shape(2, 2, 6, 8)
    ),
    ("pad", .init(.maximum, kernel: 3, stride: 2, pad: 1), Shape(2, 3, 7, 8)),
    ("pad of 2", .init(.maximum, kernel: 3, stride: 2, pad: 2), Shape(2, 2, 6, 5)),
    ("a dropped last window", .init(.maximum, kernel: 2, stride: 2, pad: 1), Shape(1, 2, 5, 7)),
    ("apart", .init(.maximum, kernel: 2, stride: 2), Shape(1, 5, 7, 9)),
    ("every position", .init(.maximum, kernel: 3, stride: 1, pad: 1), Shape(1, 3, 5, 7)),
    (
      "rectangular",
      .init(
        .maximum, kernel: Extent(height: 2, width: 4), stride: Extent(height: 1, width: 3),
        pad: Extent(height: 1, width: 2)), Shape(2, 2, 5, 7)
    ),
    (
      "rectangular, no pad above",
      .init(
        .maximum, kernel: Extent(height: 2, width: 4), stride: Extent(height: 1, width: 3),
        pad: Extent(height: 0, width: 2)), Shape(2, 3, 6, 11)
    ),
    ("1×1", .init(.maximum, kernel: 1), Shape(2, 2, 3, 3)),
    ("a stride beyond the kernel", .init(.maximum, kernel: 2, stride: 3), Shape(2, 2, 8, 11)),
    ("a stride far beyond it", .init(.maximum, kernel: 1, stride: 70), Shape(2, 2, 71, 141)),
    (
      "a stride beyond the kernel, pad", .init(.maximum, kernel: 2, stride: 4, pad: 1),
      Shape(2, 2, 9, 33)
    ),
    ("global", .init(global: .maximum), Shape(2, 5, 6, 7)),
    ("global, large", .init(global: .maximum), Shape(1, 2, 41, 37)),
    ("large windows, few", .init(.maximum, kernel: 9, stride: 9), Shape(1, 2, 20, 29)),
    ("prime sizes", .init(.maximum, kernel: 5, stride: 3, pad: 2), Shape(1, 7, 31, 29)),
    ("as large as conv1's", .init(.maximum, kernel: 3, stride: 2), Shape(1, 17, 55, 55)),
    ("no images", .init(.maximum, kernel: 3, stride: 2), Shape(0, 3, 7, 8)),
  ]

  /// Local response normalisation over both regions, and what is special for one.
  public static let lrn: [LayerCase] =
    normalisations.flatMap { title, specification, input in
      LRNSpecification.Region.allCases.map { region in
        var specification = specification
        specification.region = region
        return LayerCase("\(region), \(title)", specification, input)
      }
    } + [
      LayerCase(
        "AlexNet's α", LRNSpecification(localSize: 5, alpha: 1e-4, beta: 0.75), Shape(2, 8, 2, 2),
        at: .scaled(20)),
      LayerCase(
        "large numbers", LRNSpecification(localSize: 3, alpha: 1e-4), Shape(2, 4, 2, 3),
        at: .scaled(1e4)),
    ]

  private static let normalisations: [(String, LRNSpecification, Shape)] = [
    ("Caffe's defaults", .init(), Shape(2, 7, 5, 6)),
    ("as norm1", .init(localSize: 5, alpha: 1e-4), Shape(1, 13, 27, 27)),
    ("size 1", .init(localSize: 1), Shape(2, 3, 4, 5)),
    ("size 3, k 2", .init(localSize: 3, alpha: 0.5, k: 2), Shape(1, 5, 4, 3)),
    ("the paper's k", .init(localSize: 5, alpha: 1e-1, beta: 0.75, k: 2), Shape(2, 6, 2, 2)),
    ("β 0.5", .init(localSize: 3, beta: 0.5), Shape(3, 4, 5, 3)),
    ("β 1.3", .init(localSize: 3, beta: 1.3), Shape(2, 4, 2, 3)),
    ("β 0", .init(localSize: 3, beta: 0), Shape(1, 4, 5, 3)),
    ("larger than what it looks at", .init(localSize: 9), Shape(2, 2, 3, 2)),
    ("prime sizes", .init(localSize: 7, alpha: 2), Shape(1, 11, 23, 29)),
    ("one position", .init(localSize: 5), Shape(3, 17, 1, 1)),
    ("no images", .init(), Shape(0, 7, 5, 6)),
  ]

  /// Softmax over vectors and at each position.
  public static let softmax: [LayerCase] = [
    LayerCase("vectors", SoftmaxSpecification(), Shape(3, 8)),
    LayerCase("two classes", SoftmaxSpecification(), Shape(1, 2)),
    LayerCase("one class", SoftmaxSpecification(), Shape(5, 1)),
    LayerCase("one class at each position", SoftmaxSpecification(), Shape(2, 1, 2, 2)),
    LayerCase("at each position", SoftmaxSpecification(), Shape(2, 7, 3, 5)),
    LayerCase("1000 classes", SoftmaxSpecification(), Shape(1, 1000)),
    LayerCase("prime sizes", SoftmaxSpecification(), Shape(37, 101)),
    LayerCase("confident", SoftmaxSpecification(), Shape(3, 6), at: .scaled(5)),
    LayerCase("no images", SoftmaxSpecification(), Shape(0, 10)),
  ]
}
