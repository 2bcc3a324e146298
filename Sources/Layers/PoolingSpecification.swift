import Tensors

/// Pooling: the maximum or the average of each window of each channel.
///
/// Source: Caffe's `pooling_layer.cpp`. Input N×C×H×W, output N×C×H'×W'.
///
/// The maximum ignores the padding; of equal values the first in row-major order wins, and it
/// alone receives the gradient. A NaN is never greater than anything, so it is passed over; a
/// window of nothing but NaN gives −3.4e38 and passes no gradient back. The average divides by
/// the area of the window clipped to the padded input, so padding counts.
public struct PoolingSpecification: SingleInputSpecification {
  /// `Pooling`.
  public static let typeName = "Pooling"

  /// What is made of a window.
  public enum Method: String, Hashable, Sendable, CaseIterable {
    /// The greatest value.
    case maximum
    /// The mean.
    case average
  }

  /// What happens when the stride doesn't divide the way of the window.
  public enum Rounding: String, Hashable, Sendable, CaseIterable {
    /// A last window reaches over the border: Caffe's default.
    case ceiling
    /// The last rows and columns are left out.
    case floor
  }

  /// Maximum or average.
  public var method: Method
  /// Rows and columns of the window; `nil` for the whole input (global pooling).
  public var kernel: Extent?
  /// How far the window moves from one output position to the next.
  public var stride: Extent
  /// Rows and columns added at each border.
  public var pad: Extent
  /// How the number of windows is rounded.
  public var rounding: Rounding

  /// Pooling over windows, with Caffe's defaults.
  public init(
    _ method: Method, kernel: Extent, stride: Extent = 1, pad: Extent = 0,
    rounding: Rounding = .ceiling
  ) {
    self.method = method
    self.kernel = kernel
    self.stride = stride
    self.pad = pad
    self.rounding = rounding
  }

  /// Pooling over each whole channel, whatever its size.
  public init(global method: Method) {
    self.method = method
    self.kernel = nil
    self.stride = 1
    self.pad = 0
    self.rounding = .ceiling
  }

  /// The window's rows and columns on an input.
  public func kernel(for input: Shape) -> Extent {
    kernel ?? Extent(height: input.height, width: input.width)
  }

  /// N × C × H' × W' with H' = ⌈(H + 2·pad − kernel) / stride⌉ + 1, and W' likewise.
  ///
  /// With padding, a last window that would start beyond the input and its upper padding is
  /// dropped.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    let type = Self.typeName
    try requireImages(input, type)
    let kernel = kernel(for: input)
    try requireExtent(kernel, atLeast: 1, type, "kernel")
    try requireExtent(stride, atLeast: 1, type, "stride")
    try requireExtent(pad, atLeast: 0, type, "pad")
    try require(
      self.kernel != nil || (stride == 1 && pad == 0), type, "stride \(stride) and pad \(pad)",
      "must be 1 and 0 for global pooling")
    try require(
      pad.height < kernel.height && pad.width < kernel.width, type, "pad \(pad)",
      "must be smaller than the kernel \(kernel), or a window would hold nothing but padding")
    try require(
      kernel.height <= input.height + 2 * pad.height
        && kernel.width <= input.width + 2 * pad.width,
      type, "kernel \(kernel)",
      "must not be larger than the padded input "
        + "\(input.height + 2 * pad.height)×\(input.width + 2 * pad.width)")
    // Products of two sizes, each below 2³¹.
    try require(
      method == .average || input.height * input.width <= Int(Int32.max), type,
      "input \(input.height)×\(input.width)",
      "must have at most 2^31 - 1 positions a channel, as those of the maxima are kept in 32 bits")
    let clips = pad != 0
    let rows = windows(input.height, kernel.height, stride.height, pad.height, clips)
    let columns = windows(input.width, kernel.width, stride.width, pad.width, clips)
    // Where the stride exceeds the kernel, rounding up can leave the last window empty.
    try require(
      (rows - 1) * stride.height < input.height + pad.height
        && (columns - 1) * stride.width < input.width + pad.width,
      type, "stride \(stride)",
      "must not leave the last window outside the input \(input.height)×\(input.width), as it does "
        + "with kernel \(kernel)")
    return try shape(of: type, "output", [input.images, input.channels, rows, columns])
  }

  private func windows(_ size: Int, _ kernel: Int, _ stride: Int, _ pad: Int, _ clips: Bool) -> Int
  {
    let way = size + 2 * pad - kernel
    let count = (rounding == .ceiling ? way + stride - 1 : way) / stride + 1
    return clips && (count - 1) * stride >= size + pad ? count - 1 : count
  }

  /// The kernel, moved by the stride.
  ///
  /// - Complexity: O(1).
  public func window(for input: Shape) throws(LayerError) -> Window? {
    Window(extent: kernel(for: input), stride: stride, pad: pad)
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.pooling(self) }

  /// No: the backward pass reads the input.
  public var backwardReadsOutput: Bool { false }
}
