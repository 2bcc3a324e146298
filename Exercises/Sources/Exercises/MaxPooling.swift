import Layers
import Tensors
import Workbench

/// Exercise `max-pooling`: the maximum of each window.
///
///     out[n,c,y,x] = max over i < kernel, j < kernel of in[n, c, y·stride + i, x·stride + j]
///
/// Input N×C×H×W, output N×C×H'×W'. Caffe rounds the number of windows up,
///
///     H' = ⌈(H − kernel) / stride⌉ + 1
///
/// so the last window may hang over the lower and the right border: it is clipped there.
///
/// Derive ∂L/∂in on paper: which of a window's inputs changes the output when it changes a little? And
/// what if an input lies in several windows? Of equal values the first one, in rows from the top and
/// then from the left, is the maximum.
///
/// Element (n, c, y, x) of a tensor is `tensor[n, c, y, x]`; its extents are `tensor.shape.images`,
/// `.channels`, `.height` and `.width`.
///
/// Replace each `gap` with your code, then run `script/exercise max-pooling`.
public struct MaxPooling<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: PoolingSpecification
  private let kernel, stride: Int

  /// Windows of kernel × kernel, without padding.
  public init(kernel: Int, stride: Int) {
    specification = PoolingSpecification(.maximum, kernel: Extent(kernel), stride: Extent(stride))
    (self.kernel, self.stride) = (kernel, stride)
  }

  /// H' for an input of `size` rows. Swift's `/` on `Int` rounds towards 0.
  public static func outputSize(of size: Int, kernel: Int, stride: Int) -> Int {
    gap("output size")
    return 0
  }

  /// What the forward pass keeps for the backward pass: a number for each output. Row and column of
  /// the maximum as `row * width + column`, for example.
  public func makeSaved(for input: Shape) throws(LayerError) -> [Int] {
    [Int](repeating: 0, count: try specification.outputShape(for: input).count)
  }

  /// Writes every element of `output`, and of `positions` what `backward` needs.
  @specialized(where Scalar == Float)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved positions: inout [Int]
  ) {
    gap("forward")
  }

  /// Adds each output's gradient to that of its maximum. `gradient`, ∂L/∂in, is 0 at first.
  @specialized(where Scalar == Float)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved positions: [Int],
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      gap("gradient")
    }
  }
}
