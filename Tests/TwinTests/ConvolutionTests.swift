import Fast
import Layers
import Reference
import Tensors
import Testing

@testable import Tuned

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
    "direct, as conv3", ConvolutionSpecification(outputChannels: 48, kernel: 3, pad: 1),
    Shape(8, 16, 6, 5)),
  ConvolutionCase(
    "direct, as conv2, seven images and eight, kernels that fill no panel",
    ConvolutionSpecification(outputChannels: 40, kernel: 5, pad: 2, group: 2),
    Shape(15, 34, 6, 5)),
  ConvolutionCase(
    "direct, as conv1",
    ConvolutionSpecification(outputChannels: 50, kernel: 5, stride: 2, pad: 1), Shape(7, 3, 13, 11)),
  ConvolutionCase(
    "direct, ranges of 16 and 24 channels",
    ConvolutionSpecification(outputChannels: 16, kernel: 2), Shape(8, 40, 3, 4)),
  ConvolutionCase(
    "direct, a pad wider than the kernel, no bias",
    ConvolutionSpecification(outputChannels: 17, kernel: 2, pad: 3, hasBias: false),
    Shape(8, 16, 2, 3)),
  ConvolutionCase(
    "direct, rectangular, three panels",
    ConvolutionSpecification(
      outputChannels: 83, kernel: Extent(height: 3, width: 2), pad: Extent(height: 0, width: 1)),
    Shape(8, 19, 4, 3)),
  ConvolutionCase(
    "direct, windows of nothing but padding",
    ConvolutionSpecification(outputChannels: 16, kernel: 2, stride: 2, pad: 4), Shape(7, 16, 3, 3)),
  ConvolutionCase(
    "direct, nine times eight images in eight parts",
    ConvolutionSpecification(outputChannels: 16, kernel: 3, pad: 1), Shape(72, 16, 2, 3)),
  ConvolutionCase(
    "direct, rows in bands", ConvolutionSpecification(outputChannels: 33, kernel: 2),
    Shape(8, 2, 62, 44)),
  ConvolutionCase(
    "direct, rows in bands of one image",
    ConvolutionSpecification(outputChannels: 20, kernel: 3, stride: 2, pad: 1), Shape(1, 2, 41, 37)),
  ConvolutionCase(
    "direct, a stride that leaves the border out, tiles of several rows",
    ConvolutionSpecification(outputChannels: 16, kernel: 2, stride: 3), Shape(3, 5, 9, 7)),
  ConvolutionCase(
    "no images", ConvolutionSpecification(outputChannels: 4, kernel: 3), Shape(0, 3, 7, 6)),
]

/// The same for batches that fill a tile, and those that don't: images are its rows, or positions too.
private let batches = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16].flatMap { images in
  [
    ConvolutionCase(
      "direct, as conv3", ConvolutionSpecification(outputChannels: 49, kernel: 3, pad: 1),
      Shape(images, 32, 5, 4)),
    ConvolutionCase(
      "direct, as conv2",
      ConvolutionSpecification(outputChannels: 34, kernel: 5, pad: 2, group: 2),
      Shape(images, 34, 6, 3)),
    ConvolutionCase(
      "direct, as conv1", ConvolutionSpecification(outputChannels: 18, kernel: 5, stride: 2),
      Shape(images, 3, 13, 9)),
  ]
}

@Suite("Convolution: Reference and Fast agree")
struct ConvolutionTests {
  @Test(arguments: cases)
  fileprivate func agree(_ testCase: ConvolutionCase) throws {
    try compare(testCase) { Fast.Convolution<Float>(testCase.specification, engine: $0) }
    try compare(testCase) { Fast.Convolution<Double>(testCase.specification, engine: $0) }
  }

  @Test("Tuned agrees too", arguments: cases + batches)
  fileprivate func tuned(_ testCase: ConvolutionCase) throws {
    try compare(testCase) { Tuned.Convolution(testCase.specification, engine: $0) }
  }

  /// A case that is named after an algorithm has to take it: the versions would agree by another one
  /// too. With a stride, or few channels, the gradient of the input is Fast's.
  @Test(
    "Shapes meant for the direct convolution are in its plan", .enabled(if: Tile.isSupported),
    arguments: (cases + batches).filter { $0.label.hasPrefix("direct") })
  fileprivate func isPlanned(_ testCase: ConvolutionCase) throws {
    let specification = testCase.specification
    let plan = try #require(DirectConvolution.Plan(specification, testCase.input))
    #expect(plan.goesBackwards(toInput: false))
    #expect(
      plan.goesBackwards(toInput: true)
        == (specification.stride == 1 && testCase.input.channels / specification.group >= 16))
    #expect(
      Tuned.Convolution(specification).algorithm(for: testCase.input) == "direct, NHWC")
  }

  @Test("Shapes that are not stay Fast's")
  func isNotPlanned() {
    for specification in [
      ConvolutionSpecification(outputChannels: 15, kernel: 3),
      ConvolutionSpecification(outputChannels: 16, kernel: 1),
      ConvolutionSpecification(outputChannels: 16, kernel: 3, dilation: 2),
      ConvolutionSpecification(outputChannels: 16, kernel: 2, stride: 1, pad: 1 << 30),
    ] {
      #expect(DirectConvolution.Plan(specification, Shape(8, 4, 7, 7)) == nil)
      #expect(Tuned.Convolution(specification).algorithm(for: Shape(8, 4, 7, 7)) == "= fast")
    }
  }

  private func compare<Scalar: BLASScalar>(
    _ testCase: ConvolutionCase, fast: (Engine) -> any Layer<Scalar>
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
      testCase, Scalar.self, tolerance: tolerance,
      reference: Reference.Convolution<Scalar>(specification), fast: fast)
    // Whole numbers leave no room for rounding.
    try TwinTests.compare(
      testCase, Scalar.self, whole: true, tolerance: .none,
      reference: Reference.Convolution<Scalar>(specification), fast: fast)
  }
}
