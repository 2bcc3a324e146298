import Layers
import Tensors
import Workbench

/// A solution of exercise `im2col`: convolution as a product of matrices.
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

  /// Goes through the matrix, with the place that each element is copied from.
  private func visit(
    input: Shape, output: Shape, _ body: (Int, Int, Int, Int, Int, Int, Int) -> Void
  ) {
    for n in 0..<output.images {
      for c in 0..<input.channels {
        for i in 0..<kernel {
          for j in 0..<kernel {
            let r = (c * kernel + i) * kernel + j
            for y in 0..<output.height {
              for x in 0..<output.width {
                body(n, r, y, x, c, y * stride + i - pad, x * stride + j - pad)
              }
            }
          }
        }
      }
    }
  }

  /// im2col: writes every element of `output`, the padding too.
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let (height, width) = (input.shape.height, input.shape.width)
    output.fill(with: 0)
    visit(input: input.shape, output: output.shape) { n, r, y, x, c, row, column in
      guard (0..<height).contains(row), (0..<width).contains(column) else { return }
      output[n, r, y, x] = input[n, c, row, column]
    }
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
      let (height, width) = (input.shape.height, input.shape.width)
      visit(input: input.shape, output: output.shape) { n, r, y, x, c, row, column in
        guard (0..<height).contains(row), (0..<width).contains(column) else { return }
        gradient[n, c, row, column] += outputGradient[n, r, y, x]
      }
    }
  }
}
