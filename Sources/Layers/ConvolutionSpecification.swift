import Tensors

/// A convolution: K kernels, each a window of weights that slides over the channels of its group.
///
/// Source: Caffe's `base_conv_layer.cpp`. Input N×C×H×W, output N×K×H'×W', weights
/// K × C/group × kernel height × kernel width, bias K.
public struct ConvolutionSpecification: SingleInputSpecification {
  /// `Convolution`.
  public static let typeName = "Convolution"

  /// K, the number of kernels.
  public var outputChannels: Int
  /// Rows and columns of a kernel.
  public var kernel: Extent
  /// How far the kernel moves from one output position to the next.
  public var stride: Extent
  /// Rows and columns of zeros added at each border.
  public var pad: Extent
  /// The distance between neighbouring weights on the input; 1 leaves no holes.
  public var dilation: Extent
  /// Into how many groups input and output channels are split; a kernel sees its own group only.
  public var group: Int
  /// Whether a constant is added to each output channel.
  public var hasBias: Bool

  /// A convolution with Caffe's defaults.
  public init(
    outputChannels: Int, kernel: Extent, stride: Extent = 1, pad: Extent = 0,
    dilation: Extent = 1, group: Int = 1, hasBias: Bool = true
  ) {
    self.outputChannels = outputChannels
    self.kernel = kernel
    self.stride = stride
    self.pad = pad
    self.dilation = dilation
    self.group = group
    self.hasBias = hasBias
  }

  /// The rows and columns that a kernel spans, holes included: dilation·(kernel − 1) + 1.
  public var span: Extent {
    Extent(
      height: dilation.height * (kernel.height - 1) + 1,
      width: dilation.width * (kernel.width - 1) + 1)
  }

  /// N × K × H' × W' with H' = ⌊(H + 2·pad − span) / stride⌋ + 1, and W' likewise.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    let type = Self.typeName
    try requireSize(outputChannels, atLeast: 1, type, "outputs")
    try requireExtent(kernel, atLeast: 1, type, "kernel")
    try requireExtent(stride, atLeast: 1, type, "stride")
    try requireExtent(pad, atLeast: 0, type, "pad")
    try requireExtent(dilation, atLeast: 1, type, "dilation")
    try requireSize(group, atLeast: 1, type, "group")
    try requireImages(input, type)
    try require(
      input.channels % group == 0, type, "group \(group)",
      "must divide the \(input.channels) input channels")
    try require(
      outputChannels % group == 0, type, "group \(group)",
      "must divide the \(outputChannels) outputs")
    let padded = Extent(
      height: input.height + 2 * pad.height, width: input.width + 2 * pad.width)
    try require(
      span.height <= padded.height && span.width <= padded.width, type,
      "kernel \(kernel)" + (dilation == 1 ? "" : " with dilation \(dilation), spanning \(span),"),
      "must not be larger than the padded input \(padded)")
    let output = try shape(
      of: type, "output",
      [
        input.images, outputChannels,
        (padded.height - span.height) / stride.height + 1,
        (padded.width - span.width) / stride.width + 1,
      ])
    let depth = try shape(
      of: type, "kernel", [input.channels / group, kernel.height, kernel.width])
    try require32Bits(depth.count, type, "kernel \(depth)", "weights")
    try require32Bits(output.spatialCount, type, "output \(output)", "positions a channel")
    return output
  }

  /// Weights K × C/group × kernel, and a bias of K unless left out.
  ///
  /// - Complexity: O(1).
  public func parameters(for input: Shape) throws(LayerError) -> [ParameterSpecification] {
    _ = try outputShape(for: input)
    let type = Self.typeName
    let weights = try shape(
      of: type, "weights",
      [outputChannels, input.channels / group, kernel.height, kernel.width])
    let bias = try shape(of: type, "bias", [outputChannels])
    return [ParameterSpecification(name: "weights", shape: weights)]
      + (hasBias ? [ParameterSpecification(name: "bias", shape: bias)] : [])
  }

  /// One for each weight at each output position: count(output) · C/group · kernel area.
  ///
  /// - Complexity: O(1).
  public func multiplyAccumulates(for input: Shape) throws(LayerError) -> Int {
    let output = try outputShape(for: input)
    return try shape(
      of: Self.typeName, "work",
      output.dimensions + [input.channels / group, kernel.height, kernel.width]
    ).count
  }

  /// The span of the kernel, moved by the stride.
  public func window(for input: Shape) throws(LayerError) -> Window? {
    Window(extent: span, stride: stride, pad: pad)
  }

  /// The layer that a backend makes of this specification.
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { backend.convolution(self) }

  /// No: the backward pass reads the input.
  public var backwardReadsOutput: Bool { false }
}

/// Throws unless an input has the four axes of images, channels, rows and columns.
func requireImages(_ input: Shape, _ layer: String) throws(LayerError) {
  try require(
    input.rank == 4, layer, "input \(input)", "must have 4 axes: images, channels, rows, columns")
  for (axis, name) in ["channels", "rows", "columns"].enumerated() {
    try require(
      input[axis + 1] >= 1, layer, "input \(input)", "must have at least 1 in \(name)")
  }
}
