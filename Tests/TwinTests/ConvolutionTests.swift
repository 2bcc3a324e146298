import Layers
import Reference
import Tensors
import Testing

@testable import Fast

private typealias ConvolutionCase = Case<ConvolutionSpecification>

private let cases = [
  ConvolutionCase(
    "plain", ConvolutionSpecification(outputChannels: 4, kernel: 3), Shape(1, 3, 7, 6)),
  ConvolutionCase(
    "1×1", ConvolutionSpecification(outputChannels: 5, kernel: 1), Shape(3, 4, 5, 7)),
  ConvolutionCase(
    "1×1 with groups",
    ConvolutionSpecification(outputChannels: 6, kernel: 1, group: 2), Shape(2, 4, 5, 3)),
  ConvolutionCase(
    "1×1 with a stride",
    ConvolutionSpecification(outputChannels: 3, kernel: 1, stride: 2), Shape(2, 3, 7, 6)),
  ConvolutionCase(
    "1×1 with a pad",
    ConvolutionSpecification(outputChannels: 3, kernel: 1, pad: 1), Shape(2, 3, 4, 5)),
  ConvolutionCase(
    "same width, as conv3", ConvolutionSpecification(outputChannels: 8, kernel: 3, pad: 1),
    Shape(3, 4, 13, 13)),
  ConvolutionCase(
    "groups, as conv2",
    ConvolutionSpecification(outputChannels: 6, kernel: 5, pad: 2, group: 2), Shape(2, 4, 9, 11)),
  ConvolutionCase(
    "stride, as conv1", ConvolutionSpecification(outputChannels: 7, kernel: 11, stride: 4),
    Shape(2, 3, 35, 39)),
  ConvolutionCase(
    "a stride that leaves the border out",
    ConvolutionSpecification(outputChannels: 3, kernel: 3, stride: 3, pad: 1), Shape(1, 2, 10, 9)),
  ConvolutionCase(
    "rectangular",
    ConvolutionSpecification(
      outputChannels: 4, kernel: Extent(height: 3, width: 5),
      stride: Extent(height: 2, width: 1), pad: Extent(height: 1, width: 2)),
    Shape(2, 3, 9, 8)),
  ConvolutionCase(
    "dilation",
    ConvolutionSpecification(
      outputChannels: 4, kernel: 3, pad: 2, dilation: Extent(height: 2, width: 3), group: 2),
    Shape(3, 4, 9, 10)),
  ConvolutionCase(
    "dilation that keeps the width",
    ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 2, dilation: 2),
    Shape(2, 3, 6, 7)),
  ConvolutionCase(
    "no bias", ConvolutionSpecification(outputChannels: 3, kernel: 2, hasBias: false),
    Shape(2, 2, 5, 5)),
  ConvolutionCase(
    "depthwise", ConvolutionSpecification(outputChannels: 6, kernel: 3, pad: 1, group: 6),
    Shape(2, 6, 5, 5)),
  ConvolutionCase(
    "a pad wider than the input",
    ConvolutionSpecification(outputChannels: 2, kernel: 7, pad: 3), Shape(2, 2, 2, 1)),
  ConvolutionCase(
    "windows of nothing but padding",
    ConvolutionSpecification(outputChannels: 2, kernel: 2, stride: 2, pad: 4), Shape(1, 2, 3, 3)),
  ConvolutionCase(
    "a stride far beyond the input",
    ConvolutionSpecification(
      outputChannels: 2, kernel: 2, stride: Extent(height: 1, width: 1 << 30)), Shape(1, 2, 3, 7)),
  ConvolutionCase(
    "padding far beyond the input",
    ConvolutionSpecification(
      outputChannels: 2, kernel: 2, stride: Extent(height: 1 << 30, width: 2),
      pad: Extent(height: 1 << 30, width: 1)), Shape(1, 2, 3, 5)),
  ConvolutionCase(
    "prime sizes, images in parts",
    ConvolutionSpecification(outputChannels: 17, kernel: 3, pad: 1), Shape(37, 5, 11, 13)),
  ConvolutionCase(
    "parts of 29 and 28 images, cut into blocks of 6 and 7",
    ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1), Shape(57, 2, 8, 9)),
  ConvolutionCase(
    "rows in blocks", ConvolutionSpecification(outputChannels: 3, kernel: 3, pad: 1),
    Shape(2, 2, 61, 67)),
  ConvolutionCase(
    "1×1, rows in blocks", ConvolutionSpecification(outputChannels: 3, kernel: 1),
    Shape(2, 2, 61, 67)),
  ConvolutionCase(
    "channels last, as conv3", ConvolutionSpecification(outputChannels: 48, kernel: 3, pad: 1),
    Shape(8, 16, 6, 5)),
  ConvolutionCase(
    "channels last, as conv2, seven images and eight, kernels that fill no panel",
    ConvolutionSpecification(outputChannels: 40, kernel: 5, pad: 2, group: 2),
    Shape(15, 34, 6, 5)),
  ConvolutionCase(
    "channels last, as conv1",
    ConvolutionSpecification(outputChannels: 50, kernel: 5, stride: 2, pad: 1), Shape(7, 3, 13, 11)),
  ConvolutionCase(
    "channels last, ranges of 16 and 24 channels",
    ConvolutionSpecification(outputChannels: 16, kernel: 2), Shape(8, 40, 3, 4)),
  ConvolutionCase(
    "channels last, a pad wider than the kernel, no bias",
    ConvolutionSpecification(outputChannels: 17, kernel: 2, pad: 3, hasBias: false),
    Shape(8, 16, 2, 3)),
  ConvolutionCase(
    "channels last, rectangular, three panels",
    ConvolutionSpecification(
      outputChannels: 83, kernel: Extent(height: 3, width: 2), pad: Extent(height: 0, width: 1)),
    Shape(8, 19, 4, 3)),
  ConvolutionCase(
    "channels last, windows of nothing but padding",
    ConvolutionSpecification(outputChannels: 16, kernel: 2, stride: 2, pad: 4), Shape(7, 16, 3, 3)),
  ConvolutionCase(
    "channels last, nine times eight images in eight parts",
    ConvolutionSpecification(outputChannels: 16, kernel: 3, pad: 1), Shape(72, 16, 2, 3)),
  ConvolutionCase(
    "channels last, rows in bands", ConvolutionSpecification(outputChannels: 33, kernel: 2),
    Shape(8, 2, 62, 44)),
  ConvolutionCase(
    "no images", ConvolutionSpecification(outputChannels: 4, kernel: 3), Shape(0, 3, 7, 6)),
]

@Suite("Convolution: Reference and Fast agree")
struct ConvolutionTests {
  @Test(arguments: cases)
  fileprivate func agree(_ testCase: ConvolutionCase) throws {
    try compare(testCase, Float.self)
    try compare(testCase, Double.self)
  }

  /// A case that is named after a way has to take it: the versions would agree by another one too.
  @Test(
    .enabled(if: Float.hasOwnProduct),
    arguments: cases.filter { $0.label.hasPrefix("channels last") })
  fileprivate func takesTheWay(_ testCase: ConvolutionCase) throws {
    let specification = testCase.specification
    let geometry = ConvolutionGeometry(
      specification, input: testCase.input,
      output: try specification.outputShape(for: testCase.input), engine: engines[0])
    func isTaken<Scalar: FastScalar>(by type: Scalar.Type, backward: Bool, _ engine: Engine) -> Bool
    {
      let slope: Scalar? = nil
      return ChannelsLastConvolution(geometry, slope: slope, engine: engine, backward: backward)
        != nil
    }
    #expect(isTaken(by: Float.self, backward: false, engines[0]))
    let goesBack = specification.stride == 1 && geometry.groupChannels >= 16
    #expect(isTaken(by: Float.self, backward: true, engines[0]) == goesBack)
    #expect(!isTaken(by: Double.self, backward: false, engines[0]))
    let without = Engine(without: [.channelsLast])
    #expect(!isTaken(by: Float.self, backward: false, without))
  }

  private func compare<Scalar: FastScalar>(
    _ testCase: ConvolutionCase, _ type: Scalar.Type
  ) throws {
    let specification = testCase.specification
    let output = try specification.outputShape(for: testCase.input)
    let taps = specification.kernel.area
    let sums = output.images * output.spatialCount
    let tolerance = Tolerance(terms: [
      // A sum over the weights of a kernel, and the bias.
      testCase.input.channels / specification.group * taps + 1,
      // Over the kernels of the group, each at every tap.
      specification.outputChannels / specification.group * taps,
      // Over all positions of all images, and what was there before; so the bias.
      sums + 1, sums + 1,
    ])
    try TwinTests.compare(
      testCase, type, tolerance: tolerance,
      reference: Reference.Convolution<Scalar>(specification),
      fast: { Fast.Convolution<Scalar>(specification, engine: $0) })
    // Whole numbers leave no room for rounding.
    try TwinTests.compare(
      testCase, type, whole: true, tolerance: .none,
      reference: Reference.Convolution<Scalar>(specification),
      fast: { Fast.Convolution<Scalar>(specification, engine: $0) })
  }
}
