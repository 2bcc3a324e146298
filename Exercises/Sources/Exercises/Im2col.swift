import Layers
import Tensors
import Workbench

/// Exercise `im2col`: convolution as a product of matrices.
///
/// Every window of an image becomes a column of a matrix. Row r of it belongs to one position in
/// the window, r = (c·kernel + i)·kernel + j, and column (y, x) to one output position:
///
///     out[n, r, y, x] = in[n, c, y·stride + i − pad, x·stride + j − pad],   0 outside of the image
///
/// Input N×C×H×W, output N × C·kernel·kernel × H' × W'. The weights of a convolution, seen as a
/// matrix of K × C·kernel·kernel, times this matrix give its output: that product is what BLAS is
/// fast at.
///
/// The backward pass is called col2im. Derive it: a value that lies in several windows was copied
/// several times. What is its gradient?
///
/// Element (n, c, y, x) of a tensor is `tensor[n, c, y, x]`; its extents are `tensor.shape.images`,
/// `.channels`, `.height` and `.width`.
///
/// Replace each `gap` with your code, then run `script/exercise im2col`.
public struct Im2col<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: Im2colSpecification
  private let kernel, stride, pad: Int

  /// Windows of kernel × kernel.
  public init(kernel: Int, stride: Int = 1, pad: Int = 0) {
    specification = Im2colSpecification(
      kernel: Extent(kernel), stride: Extent(stride), pad: Extent(pad))
    (self.kernel, self.stride, self.pad) = (kernel, stride, pad)
  }

  /// im2col: writes every element of `output`, the padding too.
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    gap("im2col")
  }

  /// col2im: adds each copy's gradient to where it came from. `gradient`, ∂L/∂in, is 0 at first.
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      gap("col2im")
    }
  }
}
