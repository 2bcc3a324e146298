import Layers
import Tensors

extension BrokenLayer {
  static let convolutions = [
    BrokenLayer(
      "conv-kernel-rotated", ConvolutionSpecification(outputChannels: 2, kernel: 3),
      Shape(2, 2, 5, 5),
      bug: "the input gradient uses the kernel turned by 180°",
      code: "dx += dy · w[k, c, 2 − i, 2 − j]    instead of    dx += dy · w[k, c, i, j]",
      expected: .wrongGradient(tensor: "input"),
      double: RotatedKernel<Double>.self, float: RotatedKernel<Float>.self),
    BrokenLayer(
      "conv-kernel-transposed", ConvolutionSpecification(outputChannels: 2, kernel: 3),
      Shape(2, 2, 5, 5),
      bug: "the weight gradient is written with rows and columns exchanged",
      code: "dw[k, c, j, i] += dy · x    instead of    dw[k, c, i, j] += dy · x",
      expected: .wrongGradient(tensor: "weights"),
      double: TransposedKernel<Double>.self, float: TransposedKernel<Float>.self),
    BrokenLayer(
      "conv-padding-offset", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1),
      Shape(2, 2, 5, 5),
      bug: "the input gradient lands one row and one column off",
      code: "dx[y·s + i − (p − 1), …]    instead of    dx[y·s + i − p, …]",
      expected: .wrongGradient(tensor: "input"),
      double: PaddingOffset<Double>.self, float: PaddingOffset<Float>.self),
    BrokenLayer(
      "conv-border-skipped", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1),
      Shape(2, 2, 6, 6),
      bug: "windows that reach into the padding pass nothing back to the input",
      code: "if !window.isInside { continue }    instead of skipping single positions only",
      expected: .wrongGradient(tensor: "input"),
      double: BorderSkipped<Double>.self, float: BorderSkipped<Float>.self),
    BrokenLayer(
      "conv-overlap-overwritten", ConvolutionSpecification(outputChannels: 2, kernel: 3),
      Shape(2, 2, 5, 5),
      bug: "where windows overlap, the last one's gradient replaces the others'",
      code: "dx[…] = dy · w    instead of    dx[…] += dy · w",
      expected: .wrongGradient(tensor: "input"),
      double: WindowsOverwrite<Double>.self, float: WindowsOverwrite<Float>.self),
    BrokenLayer(
      "conv-dilation-forgotten",
      ConvolutionSpecification(outputChannels: 2, kernel: 3, dilation: 2), Shape(2, 2, 6, 6),
      bug: "the weight gradient steps through the input without the kernel's holes",
      code: "x[y·s + i − p, …]    instead of    x[y·s + i·d − p, …]",
      expected: .wrongGradient(tensor: "weights"),
      double: DilationForgotten<Double>.self, float: DilationForgotten<Float>.self),
    BrokenLayer(
      "conv-group-offset", ConvolutionSpecification(outputChannels: 4, kernel: 3, group: 2),
      Shape(2, 4, 4, 4),
      bug: "the weight gradient of every group reads the input channels of the first",
      code: "x[n, c, …]    instead of    x[n, g·C/G + c, …]",
      expected: .wrongGradient(tensor: "weights"),
      double: GroupOffsetForgotten<Double>.self, float: GroupOffsetForgotten<Float>.self),
    BrokenLayer(
      "conv-bias-last-image", ConvolutionSpecification(outputChannels: 3, kernel: 3),
      Shape(3, 2, 4, 4),
      bug: "the bias gradient is that of the last image, not the sum over all",
      code: "db[k] = Σ dy[n, k, …]    instead of    db[k] += Σ dy[n, k, …]",
      expected: .wrongGradient(tensor: "bias"),
      double: BiasOfLastImage<Double>.self, float: BiasOfLastImage<Float>.self),
    BrokenLayer(
      "conv-bias-averaged", ConvolutionSpecification(outputChannels: 3, kernel: 3),
      Shape(2, 2, 5, 5),
      bug: "the bias gradient is averaged over the output positions",
      code: "db[k] += dy / (H'·W')    instead of    db[k] += dy",
      expected: .wrongGradient(tensor: "bias"),
      double: BiasAveraged<Double>.self, float: BiasAveraged<Float>.self),
  ]
}
