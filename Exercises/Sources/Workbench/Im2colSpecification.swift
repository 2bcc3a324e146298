import Layers
import Tensors

/// im2col as a layer: the windows of each image, written as the columns of a matrix.
public struct Im2colSpecification: SingleInputSpecification {
  /// `Im2col`.
  public static let typeName = "Im2col"

  /// Rows and columns of a window.
  public var kernel: Extent
  /// How far the window moves.
  public var stride: Extent
  /// Rows and columns of zeros at each border.
  public var pad: Extent

  /// Windows as a convolution has them.
  public init(kernel: Extent, stride: Extent = 1, pad: Extent = 0) {
    self.kernel = kernel
    self.stride = stride
    self.pad = pad
  }

  /// The convolution whose weights are the identity matrix: kernel r has a 1 at the position that
  /// row r of the matrix is read from, and zeros elsewhere. Its output is the matrix.
  public func identityConvolution(for input: Shape) -> ConvolutionSpecification {
    ConvolutionSpecification(
      outputChannels: input.channels * kernel.area, kernel: kernel, stride: stride, pad: pad,
      hasBias: false)
  }

  /// N × C·kernel area × H' × W', with H' and W' as for a convolution.
  ///
  /// - Throws: `LayerError` for windows that don't fit.
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    try identityConvolution(for: input).outputShape(for: input)
  }
}
