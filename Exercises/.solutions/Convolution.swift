import Layers
import Tensors

/// A solution of exercise `convolution`: kernels that slide over the image, in groups.
public struct Convolution<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: ConvolutionSpecification
  private let kernel, stride, pad, group: Int

  /// K, and what describes the windows.
  public init(outputs: Int, kernel: Int, stride: Int = 1, pad: Int = 0, group: Int = 1) {
    specification = ConvolutionSpecification(
      outputChannels: outputs, kernel: Extent(kernel), stride: Extent(stride), pad: Extent(pad),
      group: group)
    (self.kernel, self.stride, self.pad, self.group) = (kernel, stride, pad, group)
  }

  /// H' for an input of `size` rows.
  public static func outputSize(of size: Int, kernel: Int, stride: Int, pad: Int) -> Int {
    (size + 2 * pad - kernel) / stride + 1
  }

  /// Writes every element of `output`. `parameters[0]` are the weights, `parameters[1]` is the bias.
  @specialized(where Scalar == Float)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let (weights, bias) = (parameters[0], parameters[1])
    visit(input: input.shape, output: output.shape) { n, k, y, x, terms in
      var sum = bias[k]
      for term in terms {
        sum += weights[k, term.c, term.i, term.j] * input[n, term.channel, term.row, term.column]
      }
      output[n, k, y, x] = sum
    }
  }

  /// Adds ∂L/∂b to `gradient`.
  @specialized(where Scalar == Float)
  private func addBiasGradient(to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>) {
    let shape = outputGradient.shape
    for n in 0..<shape.images {
      for k in 0..<shape.channels {
        for y in 0..<shape.height {
          for x in 0..<shape.width {
            gradient[k] += outputGradient[n, k, y, x]
          }
        }
      }
    }
  }

  /// Adds ∂L/∂w to `gradient`.
  @specialized(where Scalar == Float)
  private func addWeightGradient(
    to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>, input: Tensor<Scalar>
  ) {
    visit(input: input.shape, output: outputGradient.shape) { n, k, y, x, terms in
      for term in terms {
        gradient[k, term.c, term.i, term.j] +=
          outputGradient[n, k, y, x] * input[n, term.channel, term.row, term.column]
      }
    }
  }

  /// Adds ∂L/∂in to `gradient`.
  @specialized(where Scalar == Float)
  private func addInputGradient(
    to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>, weights: Tensor<Scalar>
  ) {
    visit(input: gradient.shape, output: outputGradient.shape) { n, k, y, x, terms in
      for term in terms {
        gradient[n, term.channel, term.row, term.column] +=
          outputGradient[n, k, y, x] * weights[k, term.c, term.i, term.j]
      }
    }
  }

  /// A product in the sum of an output: weight (c, i, j) and the input at (channel, row, column).
  private typealias Term = (c: Int, i: Int, j: Int, channel: Int, row: Int, column: Int)

  /// Goes through all outputs, each with its terms: four methods need the same seven loops.
  @specialized(where Scalar == Float)
  private func visit(
    input: Shape, output: Shape, _ body: (Int, Int, Int, Int, [Term]) -> Void
  ) {
    let channels = input.channels / group
    let kernels = output.channels / group
    for n in 0..<output.images {
      for k in 0..<output.channels {
        for y in 0..<output.height {
          for x in 0..<output.width {
            var terms: [Term] = []
            for c in 0..<channels {
              for i in 0..<kernel {
                for j in 0..<kernel {
                  let (row, column) = (y * stride + i - pad, x * stride + j - pad)
                  guard (0..<input.height).contains(row), (0..<input.width).contains(column) else {
                    continue
                  }
                  terms.append((c, i, j, k / kernels * channels + c, row, column))
                }
              }
            }
            body(n, k, y, x, terms)
          }
        }
      }
    }
  }

  /// Nothing to do here: calls the three above, on gradients that are 0 unless they are to be
  /// accumulated.
  @specialized(where Scalar == Float)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    if !accumulating {
      for i in parameterGradients.indices { parameterGradients[i].fill(with: 0) }
    }
    addWeightGradient(to: &parameterGradients[0], outputGradient: outputGradient, input: input)
    addBiasGradient(to: &parameterGradients[1], outputGradient: outputGradient)
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      addInputGradient(
        to: &gradient, outputGradient: outputGradient, weights: parameters[0])
    }
  }
}
