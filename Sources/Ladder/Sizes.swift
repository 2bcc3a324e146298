import Layers
import Tensors

/// The sizes of a convolution of one group: what a rung gets to do.
package struct Sizes: Hashable, Sendable {
  /// C/G and K/G: the channels that a kernel of the group sees, and the kernels of the group.
  package let channels, kernels: Int
  /// H and W.
  package let height, width: Int
  /// I = J: kernels are square here.
  package let size: Int
  /// s and p, for rows and for columns.
  package let stride, pad: Int
  /// H' and W'.
  package let outHeight, outWidth: Int

  /// The sizes of a convolution in a network; `nil` if its kernels aren't square, its strides or pads
  /// differ in rows and columns, or it is dilated. The ladder leaves these cases out, for shorter code.
  package init?(_ specification: ConvolutionSpecification, input: Shape, output: Shape) {
    let (kernel, stride, pad) = (specification.kernel, specification.stride, specification.pad)
    guard kernel.height == kernel.width, stride.height == stride.width, pad.height == pad.width,
      specification.dilation == Extent(1)
    else { return nil }
    channels = input.channels / specification.group
    kernels = specification.outputChannels / specification.group
    (height, width, outHeight, outWidth) = (
      input.height, input.width, output.height, output.width
    )
    (size, self.stride, self.pad) = (kernel.height, stride.height, pad.height)
  }

  /// C·I·J: the weights of a kernel.
  package var depth: Int { channels * size * size }
  /// H'·W': the output positions.
  package var positions: Int { outHeight * outWidth }

  /// The floating-point operations that the formula asks for: a multiplication and an addition for each
  /// weight, output position and kernel, those with the padding's zeros included.
  package var operations: Int { 2 * kernels * depth * positions }

  /// The positions y for which row y·s + offset − p lies in the image of `extent` rows.
  func inside(_ offset: Int, extent: Int, positions: Int) -> Range<Int> {
    let first = max(0, (pad - offset + stride - 1) / stride)
    let last = offset - pad < extent ? (extent - 1 + pad - offset) / stride + 1 : 0
    return first..<max(first, min(positions, last))
  }
}

/// One group of one image: where its numbers lie, row after row.
package struct Piece: @unchecked Sendable {
  /// How many there are.
  package let sizes: Sizes
  /// in: (C, H, W)
  let x: UnsafePointer<Float>
  /// weights: (K, C·I·J)
  let w: UnsafePointer<Float>
  /// bias: (K)
  let b: UnsafePointer<Float>
  /// out: (K, H'·W')
  let out: UnsafeMutablePointer<Float>
}

/// One group of one image, backwards.
package struct GradientPiece: @unchecked Sendable {
  /// How many numbers there are.
  package let sizes: Sizes
  /// in: (C, H, W)
  let x: UnsafePointer<Float>
  /// weights: (K, C·I·J)
  let w: UnsafePointer<Float>
  /// ∂L/∂out: (K, H'·W')
  let dy: UnsafePointer<Float>
  /// ∂L/∂w: (K, C·I·J), summed over images
  let dw: UnsafeMutablePointer<Float>
  /// ∂L/∂in: (C, H, W)
  let dx: UnsafeMutablePointer<Float>
}
