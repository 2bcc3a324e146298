import Layers
import Tensors
import Testing

@Suite struct PoolingGradients {
  static let maximum = [
    LayerCase("2×2", PoolingSpecification(.maximum, kernel: 2, stride: 2), Shape(2, 2, 4, 4)),
    LayerCase(
      "windows overlap", PoolingSpecification(.maximum, kernel: 3, stride: 2), Shape(2, 2, 7, 7)),
    LayerCase(
      "windows overlap all the way", PoolingSpecification(.maximum, kernel: 3), Shape(1, 2, 6, 5)),
    LayerCase(
      "the border cuts windows off", PoolingSpecification(.maximum, kernel: 3, stride: 2),
      Shape(2, 2, 6, 8)),
    LayerCase(
      "rounded down", PoolingSpecification(.maximum, kernel: 3, stride: 2, rounding: .floor),
      Shape(2, 2, 6, 8)),
    LayerCase(
      "pad", PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1), Shape(2, 2, 6, 5)),
    LayerCase(
      "rectangular",
      PoolingSpecification(
        .maximum, kernel: Extent(height: 2, width: 4), stride: Extent(height: 1, width: 3),
        pad: Extent(height: 1, width: 2)), Shape(2, 2, 5, 7)),
    LayerCase("global", PoolingSpecification(global: .maximum), Shape(2, 3, 4, 3)),
    LayerCase(
      "ties", PoolingSpecification(.maximum, kernel: 3, stride: 2), Shape(2, 2, 7, 7),
      at: .integers),
    LayerCase(
      "nothing but ties", PoolingSpecification(.maximum, kernel: 2, stride: 1), Shape(1, 2, 4, 4),
      at: .constant(1)),
  ]

  static let average = [
    LayerCase("2×2", PoolingSpecification(.average, kernel: 2, stride: 2), Shape(2, 2, 4, 4)),
    LayerCase(
      "windows overlap", PoolingSpecification(.average, kernel: 3, stride: 2), Shape(2, 2, 7, 7)),
    LayerCase(
      "the border cuts windows off", PoolingSpecification(.average, kernel: 3, stride: 2),
      Shape(2, 2, 6, 8)),
    LayerCase(
      "rounded down", PoolingSpecification(.average, kernel: 3, stride: 2, rounding: .floor),
      Shape(2, 2, 6, 8)),
    LayerCase(
      "pad", PoolingSpecification(.average, kernel: 3, stride: 2, pad: 2), Shape(2, 2, 6, 5)),
    LayerCase(
      "rectangular",
      PoolingSpecification(
        .average, kernel: Extent(height: 2, width: 4), stride: Extent(height: 1, width: 3),
        pad: Extent(height: 1, width: 2)), Shape(2, 2, 5, 7)),
    LayerCase("global", PoolingSpecification(global: .average), Shape(2, 3, 4, 3)),
  ]

  @Test func areRight() throws {
    try expectRight(Self.maximum + Self.average, smooth: 1e-9)
  }

  /// The kinks of equal maxima are found where they are, and only there.
  @Test func tiesAreCounted() throws {
    for backend in versions {
      for entry in Self.maximum + Self.average {
        let kinks = try entry.report(on: backend).tensors.map(\.kinks).reduce(0, +)
        if entry.title.contains("ties") {
          #expect(kinks > 0, "\(entry.title)")
        } else {
          #expect(kinks == 0, "\(entry.title)")
        }
      }
    }
  }
}
