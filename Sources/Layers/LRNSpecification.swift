import Tensors

/// Local response normalisation: each value is divided by a power of the energy around it.
///
/// Source: Krizhevsky et al. 2012, section 3.3, in the convention of Caffe's `lrn_layer.cpp`,
/// which divides α by the number of values summed. The shape N×C×H×W stays.
public struct LRNSpecification: SingleInputSpecification {
  /// `LRN`.
  public static let typeName = "LRN"

  /// Around what the energy is summed.
  public enum Region: String, Hashable, Sendable, CaseIterable {
    /// n neighbouring channels: y = x · (k + α/n · Σx²)^−β.
    case acrossChannels
    /// n×n positions of the same channel: y = x · (1 + α/n² · Σx²)^−β, zeros beyond the border
    /// counted; k is ignored.
    case withinChannel
  }

  /// n, the odd size of the neighbourhood.
  public var localSize: Int
  /// α.
  public var alpha: Double
  /// β.
  public var beta: Double
  /// k.
  public var k: Double
  /// Across channels or within one.
  public var region: Region

  /// A normalisation with Caffe's defaults.
  public init(
    localSize: Int = 5, alpha: Double = 1, beta: Double = 0.75, k: Double = 1,
    region: Region = .acrossChannels
  ) {
    self.localSize = localSize
    self.alpha = alpha
    self.beta = beta
    self.k = k
    self.region = region
  }

  /// The input's shape.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    let type = Self.typeName
    try requireSize(localSize, atLeast: 1, type, "local size")
    try require(
      localSize % 2 == 1, type, "local size \(localSize)",
      "must be odd, so that the window has a centre")
    for (name, value) in [("alpha", alpha), ("beta", beta), ("k", k)] {
      try require(value.isFinite, type, "\(name) \(value)", "must be finite")
    }
    try requireImages(input, type)
    return input
  }

  /// n×n within a channel; across channels each position sees only itself.
  public func window(for input: Shape) throws(LayerError) -> Window? {
    region == .withinChannel
      ? Window(extent: Extent(localSize), stride: 1, pad: Extent((localSize - 1) / 2)) : nil
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.lrn(self) }
}
