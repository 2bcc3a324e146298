import Tensors

/// Average pooling to an output of given size, whatever the input's: torchvision's AlexNet has it
/// between the convolutions and the inner products.
///
/// Source: PyTorch's `AdaptiveAvgPool2d`. Input N×C×H×W, output N×C×H'×W'. Output row y averages the
/// rows ⌊y·H/H'⌋ up to, but without, ⌈(y + 1)·H/H'⌉, columns likewise: windows may overlap, and differ by
/// one in size. Caffe has no such layer.
public struct AdaptiveAveragePoolingSpecification: SingleInputSpecification {
  /// `AdaptiveAveragePooling`.
  public static let typeName = "AdaptiveAveragePooling"

  /// H'×W'.
  public var output: Extent

  /// Average pooling to an output of this size.
  public init(output: Extent) {
    self.output = output
  }

  /// N × C × H' × W'.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    let type = Self.typeName
    try requireImages(input, type)
    try requireExtent(output, atLeast: 1, type, "output")
    return try shape(
      of: type, "output", [input.images, input.channels, output.height, output.width])
  }

  /// The rows or columns, of `size`, that output row or column `i` of `count` averages.
  ///
  /// - Precondition: `size` and `count` are positive and below 2³¹, `i` lies in 0..<count.
  public static func window(_ i: Int, of count: Int, size: Int) -> Range<Int> {
    i * size / count..<((i + 1) * size + count - 1) / count
  }

  /// The largest window, moved by the mean distance, rounded down.
  ///
  /// - Complexity: O(H' + W').
  public func window(for input: Shape) throws(LayerError) -> Window? {
    func largest(_ count: Int, _ size: Int) -> Int {
      (0..<count).reduce(1) { max($0, Self.window($1, of: count, size: size).count) }
    }
    _ = try outputShape(for: input)
    return Window(
      extent: Extent(
        height: largest(output.height, input.height), width: largest(output.width, input.width)),
      stride: Extent(
        height: max(input.height / output.height, 1), width: max(input.width / output.width, 1)))
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> {
    backend.adaptiveAveragePooling(self)
  }

  /// No: the gradient alone is enough.
  public var backwardReadsOutput: Bool { false }
}
