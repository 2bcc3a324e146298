import Layers
import Tensors
import Workbench

/// Exercise `convolution`: kernels that slide over the image, in groups.
///
///     out[n,k,y,x] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · in[n, first + c, row, column]
///
///     with row = y·stride + i − pad and column = x·stride + j − pad
///
/// Input N×C×H×W, output N×K×H'×W', weights K × C/group × kernel × kernel, bias K. Input positions
/// outside of the image are 0. Convolution rounds the number of windows down:
///
///     H' = ⌊(H + 2·pad − kernel) / stride⌋ + 1
///
/// Channels and kernels are cut into `group` equal parts. A kernel sees only the C/group channels
/// of its own part, which begin at `first`: with 4 channels, 6 kernels and 2 groups, kernels 0…2
/// see channels 0 and 1, kernels 3…5 see channels 2 and 3.
///
/// Derive three gradients on paper before you write them: ∂L/∂b, ∂L/∂w and ∂L/∂in. For each of these
/// numbers, ask which outputs it went into, and what it was multiplied with there.
///
/// Element (n, c, y, x) of a tensor is `tensor[n, c, y, x]`, that of a bias `tensor[k]`; extents
/// are `tensor.shape.images`, `.channels`, `.height` and `.width`.
///
/// Replace each `gap` with your code, then run `script/exercise convolution`.
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
    gap("output size")
    return 0
  }

  /// Writes every element of `output`. `parameters[0]` are the weights, `parameters[1]` is the bias.
  @specialized(where Scalar == Float)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    gap("forward")
  }

  /// Adds ∂L/∂b to `gradient`.
  @specialized(where Scalar == Float)
  private func addBiasGradient(to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>) {
    gap("gradient of the bias")
  }

  /// Adds ∂L/∂w to `gradient`.
  @specialized(where Scalar == Float)
  private func addWeightGradient(
    to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>, input: Tensor<Scalar>
  ) {
    gap("gradient of the weights")
  }

  /// Adds ∂L/∂in to `gradient`.
  @specialized(where Scalar == Float)
  private func addInputGradient(
    to gradient: inout Tensor<Scalar>, outputGradient: Tensor<Scalar>, weights: Tensor<Scalar>
  ) {
    gap("gradient of the input")
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
