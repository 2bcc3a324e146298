import Fast
import GradientChecking
import Layers
import Reference
import Tensors
import Testing

@Suite struct ConvolutionGradients {
  static let cases = [
    LayerCase("1×1", ConvolutionSpecification(outputChannels: 3, kernel: 1), Shape(2, 4, 3, 3)),
    LayerCase("3×3", ConvolutionSpecification(outputChannels: 3, kernel: 3), Shape(2, 2, 5, 5)),
    LayerCase(
      "pad", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1), Shape(2, 2, 4, 5)),
    LayerCase(
      "wide pad", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 3), Shape(1, 2, 3, 2)),
    LayerCase(
      "stride leaves a column over",
      ConvolutionSpecification(outputChannels: 2, kernel: 3, stride: 2), Shape(2, 2, 6, 6)),
    LayerCase(
      "stride beyond the kernel",
      ConvolutionSpecification(outputChannels: 2, kernel: 2, stride: 3), Shape(1, 2, 7, 8)),
    LayerCase(
      "groups", ConvolutionSpecification(outputChannels: 4, kernel: 3, pad: 1, group: 2),
      Shape(2, 4, 4, 4)),
    LayerCase(
      "a group a channel", ConvolutionSpecification(outputChannels: 6, kernel: 3, group: 3),
      Shape(2, 3, 4, 5)),
    LayerCase(
      "dilation", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 2, dilation: 2),
      Shape(2, 2, 5, 6)),
    LayerCase(
      "rectangular throughout",
      ConvolutionSpecification(
        outputChannels: 3, kernel: Extent(height: 2, width: 3),
        stride: Extent(height: 1, width: 2), pad: Extent(height: 0, width: 2),
        dilation: Extent(height: 2, width: 1)),
      Shape(2, 2, 5, 7)),
    LayerCase(
      "no bias", ConvolutionSpecification(outputChannels: 3, kernel: 3, hasBias: false),
      Shape(2, 2, 4, 4)),
    LayerCase(
      "large numbers", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1),
      Shape(2, 2, 4, 4), at: .scaled(1e8)),
    LayerCase(
      "conv2 in small",
      ConvolutionSpecification(outputChannels: 4, kernel: 5, pad: 2, group: 2), Shape(1, 4, 6, 6)),
    LayerCase(
      "conv1 in small", ConvolutionSpecification(outputChannels: 2, kernel: 11, stride: 4),
      Shape(1, 1, 19, 15)),
  ]

  @Test func areRight() throws {
    try expectRight(Self.cases, smooth: 1e-9)
  }

  /// What is computed in `Float` alone: eight images at a time with the channels last, and the
  /// products of columns. The report's bars are those of `Float`'s rounding.
  @Test(arguments: [
    ("channels last", Shape(8, 16, 3, 3)), ("columns", Shape(2, 16, 3, 3)),
  ])
  func areRightInFloat(way: String, input: Shape) throws {
    let specification = ConvolutionSpecification(outputChannels: 16, kernel: 3, pad: 1)
    for layer: any SingleInputLayer<Float> in [
      Reference.Convolution<Float>(specification), Fast.Convolution<Float>(specification),
    ] {
      let report = try check(
        layer, input: input, exact: Reference.Convolution<Dual<Double>>(specification),
        options: CheckOptions(mode: .sampled(300)))
      #expect(report.passed, "\(way): \(report.explanation)")
      for tensor in report.tensors {
        #expect(tensor.undecided == 0, "\(way): \(tensor.tensor)")
      }
    }
  }
}
