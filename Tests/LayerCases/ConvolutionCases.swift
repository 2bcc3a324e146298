import Layers
import Tensors

/// What Tuned calls its convolution without columns.
private let direct = "direct, NHWC"
/// And its minimal filtering.
private let filtering = ["Winograd F(4×4, 3×3)", "Winograd F(3×3, 5×5)"]

extension LayerCase {
  /// Convolutions: strides, pads, dilations and groups of every kind; sizes that no block or tile
  /// divides; and those that Tuned convolves directly.
  public static let convolution: [LayerCase] = shapes + batches

  private static let shapes: [LayerCase] = [
    LayerCase("plain", ConvolutionSpecification(outputChannels: 4, kernel: 3), Shape(1, 3, 7, 6)),
    LayerCase("3×3", ConvolutionSpecification(outputChannels: 3, kernel: 3), Shape(2, 2, 5, 5)),
    LayerCase("1×1", ConvolutionSpecification(outputChannels: 5, kernel: 1), Shape(3, 4, 5, 7)),
    LayerCase(
      "1×1 with groups",
      ConvolutionSpecification(outputChannels: 6, kernel: 1, group: 2), Shape(2, 4, 5, 3)),
    LayerCase(
      "1×1 with a stride",
      ConvolutionSpecification(outputChannels: 3, kernel: 1, stride: 2), Shape(2, 3, 7, 6)),
    LayerCase(
      "1×1 with a pad",
      ConvolutionSpecification(outputChannels: 3, kernel: 1, pad: 1), Shape(2, 3, 4, 5)),
    LayerCase(
      "pad", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1), Shape(2, 2, 4, 5)),
    LayerCase(
      "wide pad", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 3), Shape(1, 2, 3, 2)),
    LayerCase(
      "same width, as conv3", ConvolutionSpecification(outputChannels: 8, kernel: 3, pad: 1),
      Shape(3, 4, 13, 13)),
    LayerCase(
      "groups", ConvolutionSpecification(outputChannels: 4, kernel: 3, pad: 1, group: 2),
      Shape(2, 4, 4, 4)),
    LayerCase(
      "a group a channel", ConvolutionSpecification(outputChannels: 6, kernel: 3, group: 3),
      Shape(2, 3, 4, 5)),
    LayerCase(
      "groups, as conv2",
      ConvolutionSpecification(outputChannels: 6, kernel: 5, pad: 2, group: 2), Shape(2, 4, 9, 11)),
    LayerCase(
      "depthwise", ConvolutionSpecification(outputChannels: 6, kernel: 3, pad: 1, group: 6),
      Shape(2, 6, 5, 5)),
    LayerCase(
      "stride, as conv1", ConvolutionSpecification(outputChannels: 7, kernel: 11, stride: 4),
      Shape(2, 3, 35, 39)),
    LayerCase(
      "conv1 in small", ConvolutionSpecification(outputChannels: 2, kernel: 11, stride: 4),
      Shape(1, 1, 19, 15)),
    LayerCase(
      "a stride that leaves a column over",
      ConvolutionSpecification(outputChannels: 2, kernel: 3, stride: 2), Shape(2, 2, 6, 6)),
    LayerCase(
      "a stride beyond the kernel",
      ConvolutionSpecification(outputChannels: 2, kernel: 2, stride: 3), Shape(1, 2, 7, 8)),
    LayerCase(
      "a stride that leaves the border out",
      ConvolutionSpecification(outputChannels: 3, kernel: 3, stride: 3, pad: 1), Shape(1, 2, 10, 9)),
    LayerCase(
      "rectangular",
      ConvolutionSpecification(
        outputChannels: 4, kernel: Extent(height: 3, width: 5),
        stride: Extent(height: 2, width: 1), pad: Extent(height: 1, width: 2)),
      Shape(2, 3, 9, 8)),
    LayerCase(
      "rectangular throughout",
      ConvolutionSpecification(
        outputChannels: 3, kernel: Extent(height: 2, width: 3),
        stride: Extent(height: 1, width: 2), pad: Extent(height: 0, width: 2),
        dilation: Extent(height: 2, width: 1)),
      Shape(2, 2, 5, 7)),
    LayerCase(
      "dilation",
      ConvolutionSpecification(
        outputChannels: 4, kernel: 3, pad: 2, dilation: Extent(height: 2, width: 3), group: 2),
      Shape(3, 4, 9, 10)),
    LayerCase(
      "dilation that keeps the width",
      ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 2, dilation: 2),
      Shape(2, 3, 6, 7)),
    LayerCase(
      "no bias", ConvolutionSpecification(outputChannels: 3, kernel: 2, hasBias: false),
      Shape(2, 2, 5, 5)),
    LayerCase(
      "large numbers", ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1),
      Shape(2, 2, 4, 4), at: .scaled(1e8)),
    LayerCase(
      "a pad wider than the input",
      ConvolutionSpecification(outputChannels: 2, kernel: 7, pad: 3), Shape(2, 2, 2, 1)),
    LayerCase(
      "windows of nothing but padding",
      ConvolutionSpecification(outputChannels: 2, kernel: 2, stride: 2, pad: 4), Shape(1, 2, 3, 3)),
    LayerCase(
      "a stride far beyond the input",
      ConvolutionSpecification(
        outputChannels: 2, kernel: 2, stride: Extent(height: 1, width: 1 << 30)), Shape(1, 2, 3, 7)),
    LayerCase(
      "padding far beyond the input",
      ConvolutionSpecification(
        outputChannels: 2, kernel: 2, stride: Extent(height: 1 << 30, width: 2),
        pad: Extent(height: 1 << 30, width: 1)), Shape(1, 2, 3, 5)),
    LayerCase(
      "prime sizes, images in parts",
      ConvolutionSpecification(outputChannels: 17, kernel: 3, pad: 1), Shape(37, 5, 11, 13)),
    LayerCase(
      "parts of 29 and 28 images",
      ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1), Shape(57, 2, 8, 9)),
    LayerCase(
      "large planes", ConvolutionSpecification(outputChannels: 3, kernel: 3, pad: 1),
      Shape(2, 2, 61, 67)),
    LayerCase(
      "1×1 on large planes", ConvolutionSpecification(outputChannels: 3, kernel: 1),
      Shape(2, 2, 61, 67)),
    LayerCase(
      "direct, as conv3", ConvolutionSpecification(outputChannels: 48, kernel: 3, pad: 1),
      Shape(8, 16, 6, 5), tuned: direct),
    LayerCase(
      "direct, one image", ConvolutionSpecification(outputChannels: 48, kernel: 3, pad: 1),
      Shape(1, 16, 13, 13), tuned: direct),
    LayerCase(
      "direct, two images", ConvolutionSpecification(outputChannels: 16, kernel: 3, pad: 1),
      Shape(2, 16, 3, 3), tuned: direct),
    LayerCase(
      "direct, as conv2, kernels that fill no panel",
      ConvolutionSpecification(outputChannels: 40, kernel: 5, pad: 2, group: 2),
      Shape(15, 34, 6, 5), tuned: direct),
    LayerCase(
      "direct, as conv1",
      ConvolutionSpecification(outputChannels: 50, kernel: 5, stride: 2, pad: 1),
      Shape(7, 3, 13, 11), tuned: direct),
    LayerCase(
      "direct, ranges of 16 and 24 channels",
      ConvolutionSpecification(outputChannels: 16, kernel: 2), Shape(8, 40, 3, 4), tuned: direct),
    LayerCase(
      "direct, a pad wider than the kernel, no bias",
      ConvolutionSpecification(outputChannels: 17, kernel: 2, pad: 3, hasBias: false),
      Shape(8, 16, 2, 3), tuned: direct),
    LayerCase(
      "direct, rectangular, three panels",
      ConvolutionSpecification(
        outputChannels: 83, kernel: Extent(height: 3, width: 2), pad: Extent(height: 0, width: 1)),
      Shape(8, 19, 4, 3), tuned: direct),
    LayerCase(
      "direct, windows of nothing but padding",
      ConvolutionSpecification(outputChannels: 16, kernel: 2, stride: 2, pad: 4),
      Shape(7, 16, 3, 3), tuned: direct),
    LayerCase(
      "direct, 72 images in parts",
      ConvolutionSpecification(outputChannels: 16, kernel: 3, pad: 1), Shape(72, 16, 2, 3),
      tuned: direct),
    LayerCase(
      "direct, large planes", ConvolutionSpecification(outputChannels: 33, kernel: 2),
      Shape(8, 2, 62, 44), tuned: direct),
    LayerCase(
      "direct, large planes of one image",
      ConvolutionSpecification(outputChannels: 20, kernel: 3, stride: 2, pad: 1),
      Shape(1, 2, 41, 37), tuned: direct),
    LayerCase(
      "direct, a stride that leaves the border out, tiles of several rows",
      ConvolutionSpecification(outputChannels: 16, kernel: 2, stride: 3), Shape(3, 5, 9, 7),
      tuned: direct),
    LayerCase(
      "minimal filtering, as conv3",
      ConvolutionSpecification(outputChannels: 48, kernel: 3, pad: 1),
      Shape(4, 49, 13, 13), tuned: filtering[0]),
    LayerCase(
      "minimal filtering, as conv2",
      ConvolutionSpecification(outputChannels: 96, kernel: 5, pad: 2, group: 2),
      Shape(2, 98, 9, 9), tuned: filtering[1]),
    LayerCase(
      "minimal filtering, as conv1",
      ConvolutionSpecification(outputChannels: 96, kernel: 11, stride: 4), Shape(1, 3, 55, 55),
      tuned: filtering[0]),
    LayerCase(
      "no images", ConvolutionSpecification(outputChannels: 4, kernel: 3), Shape(0, 3, 7, 6)),
  ]

  /// Batches that fill a tile of the direct convolution, and those that don't: the rows of a tile are
  /// images, or positions too.
  private static let batches = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16].flatMap { images in
    [
      LayerCase(
        "direct, as conv3", ConvolutionSpecification(outputChannels: 49, kernel: 3, pad: 1),
        Shape(images, 32, 5, 4), tuned: direct),
      LayerCase(
        "direct, as conv2",
        ConvolutionSpecification(outputChannels: 34, kernel: 5, pad: 2, group: 2),
        Shape(images, 34, 6, 3), tuned: direct),
      LayerCase(
        "direct, as conv1", ConvolutionSpecification(outputChannels: 18, kernel: 5, stride: 2),
        Shape(images, 3, 13, 9), tuned: direct),
    ]
  }
}
