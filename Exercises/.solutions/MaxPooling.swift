import Layers
import Tensors

/// A solution of exercise `max-pooling`: the maximum of each window.
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
    (size - kernel + stride - 1) / stride + 1
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
    let (height, width) = (input.shape.height, input.shape.width)
    var window = 0
    for n in 0..<output.shape.images {
      for c in 0..<output.shape.channels {
        for y in 0..<output.shape.height {
          for x in 0..<output.shape.width {
            var (bestRow, bestColumn) = (y * stride, x * stride)
            for row in y * stride..<min(y * stride + kernel, height) {
              for column in x * stride..<min(x * stride + kernel, width)
              where input[n, c, row, column] > input[n, c, bestRow, bestColumn] {
                (bestRow, bestColumn) = (row, column)
              }
            }
            output[n, c, y, x] = input[n, c, bestRow, bestColumn]
            positions[window] = bestRow * width + bestColumn
            window += 1
          }
        }
      }
    }
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
      let width = input.shape.width
      var window = 0
      for n in 0..<output.shape.images {
        for c in 0..<output.shape.channels {
          for y in 0..<output.shape.height {
            for x in 0..<output.shape.width {
              let (row, column) = (positions[window] / width, positions[window] % width)
              gradient[n, c, row, column] += outputGradient[n, c, y, x]
              window += 1
            }
          }
        }
      }
    }
  }
}
