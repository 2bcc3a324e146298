import Layers
import Networks
import Tensors
import Testing

/// A specification on an input that it has to refuse, and what the error has to say.
struct Refusal: Sendable, CustomTestStringConvertible {
  var specification: any SingleInputSpecification
  var input: Shape
  var message: String

  var testDescription: String { message }
}

private func convolution(
  _ outputs: Int = 4, kernel: Extent = 3, stride: Extent = 1, pad: Extent = 0,
  dilation: Extent = 1, group: Int = 1
) -> ConvolutionSpecification {
  ConvolutionSpecification(
    outputChannels: outputs, kernel: kernel, stride: stride, pad: pad, dilation: dilation,
    group: group)
}

private let image = Shape(1, 6, 8, 8)

private let refusals = [
  Refusal(
    specification: convolution(kernel: 9), input: image,
    message: "Convolution: kernel 9×9 must not be larger than the padded input 8×8"),
  Refusal(
    specification: convolution(dilation: 4), input: image,
    message: "Convolution: kernel 3×3 with dilation 4×4, spanning 9×9, must not be larger than "
      + "the padded input 8×8"),
  Refusal(
    specification: convolution(group: 4), input: image,
    message: "Convolution: group 4 must divide the 6 input channels"),
  Refusal(
    specification: convolution(group: 3), input: image,
    message: "Convolution: group 3 must divide the 4 outputs"),
  Refusal(
    specification: convolution(group: 0), input: image,
    message: "Convolution: group 0 must be at least 1"),
  Refusal(
    specification: convolution(-4), input: image,
    message: "Convolution: outputs -4 must be at least 1"),
  Refusal(
    specification: convolution(stride: 0), input: image,
    message: "Convolution: stride height 0 must be at least 1"),
  Refusal(
    specification: convolution(pad: -1), input: image,
    message: "Convolution: pad height -1 must be at least 0"),
  Refusal(
    specification: convolution(kernel: Extent(height: 3, width: 0)), input: image,
    message: "Convolution: kernel width 0 must be at least 1"),
  Refusal(
    specification: convolution(pad: Extent(Int.max)), input: image,
    message: "Convolution: pad height 9223372036854775807 must be at most 2^31 - 1"),
  Refusal(
    specification: convolution(kernel: 1, pad: Extent(1 << 30)), input: image,
    message: "Convolution: output 1×4×2147483656×2147483656 is impossible: no extent may exceed "
      + "2^31 - 1"),
  Refusal(
    specification: convolution(), input: Shape(2, 3),
    message: "Convolution: input 2×3 must have 4 axes: images, channels, rows, columns"),
  Refusal(
    specification: PoolingSpecification(.maximum, kernel: 3, pad: 3), input: image,
    message: "Pooling: pad 3×3 must be smaller than the kernel 3×3, or a window would hold "
      + "nothing but padding"),
  Refusal(
    specification: PoolingSpecification(.average, kernel: 2, stride: 5), input: image,
    message: "Pooling: stride 5×5 must not leave the last window outside the input 8×8, as it does "
      + "with kernel 2×2"),
  Refusal(
    specification: PoolingSpecification(.maximum, kernel: 9), input: image,
    message: "Pooling: kernel 9×9 must not be larger than the padded input 8×8"),
  Refusal(
    specification: PoolingSpecification(.maximum, kernel: 2), input: Shape(1, 6, 0, 8),
    message: "Pooling: input 1×6×0×8 must have at least 1 in rows"),
  Refusal(
    specification: PoolingSpecification(.maximum, kernel: 2, stride: 2),
    input: Shape(1, 1, 1 << 16, 1 << 15),
    message: "Pooling: input 65536×32768 must have at most 2^31 - 1 positions a channel, as those "
      + "of the maxima are kept in 32 bits"),
  Refusal(
    specification: LRNSpecification(localSize: 4), input: image,
    message: "LRN: local size 4 must be odd, so that the window has a centre"),
  Refusal(
    specification: LRNSpecification(localSize: -1), input: image,
    message: "LRN: local size -1 must be at least 1"),
  Refusal(
    specification: LRNSpecification(beta: .nan), input: image,
    message: "LRN: beta nan must be finite"),
  Refusal(
    specification: InnerProductSpecification(outputs: 0), input: image,
    message: "InnerProduct: outputs 0 must be at least 1"),
  Refusal(
    specification: InnerProductSpecification(outputs: 5, axis: 4), input: image,
    message: "InnerProduct: axis 4 must be an axis of the input 1×6×8×8"),
  Refusal(
    specification: DropoutSpecification(ratio: 1), input: image,
    message: "Dropout: ratio 1.0 must be at least 0 and less than 1"),
  Refusal(
    specification: ReLUSpecification(negativeSlope: .infinity), input: image,
    message: "ReLU: negative slope inf must be finite"),
  Refusal(
    specification: AdaptiveAveragePoolingSpecification(output: 0), input: image,
    message: "AdaptiveAveragePooling: output height 0 must be at least 1"),
  Refusal(
    specification: AdaptiveAveragePoolingSpecification(output: 2), input: Shape(1, 4),
    message: "AdaptiveAveragePooling: input 1×4 must have 4 axes: images, channels, rows, columns"),
  Refusal(
    specification: SoftmaxSpecification(), input: Shape(4),
    message: "Softmax: input 4 must have at least 2 axes: images, classes"),
  Refusal(
    specification: AccuracySpecification(topK: 5), input: Shape(2, 4),
    message: "Accuracy: top k 5 must not exceed the 4 classes"),
  Refusal(
    specification: AccuracySpecification(topK: 0), input: Shape(2, 4),
    message: "Accuracy: top k 0 must be at least 1"),
]

@Suite("What layers and networks refuse")
struct RefusalTests {
  @Test("with layer, value and rule", arguments: refusals)
  func refuses(refusal: Refusal) {
    let error = #expect(throws: LayerError.self) {
      try refusal.specification.outputShape(for: refusal.input)
    }
    #expect(error?.description == refusal.message)
  }

  @Test(
    "inputs that can't be joined, too",
    arguments: [
      (
        ConcatSpecification(axis: 4) as any LayerSpecification, [image, image],
        "Concat: axis 4 must be an axis of the first input 1×6×8×8"
      ),
      (
        ConcatSpecification(axis: -1), [image],
        "Concat: axis -1 must be an axis of the first input 1×6×8×8"
      ),
      (ConcatSpecification(), [], "Concat: 0 inputs must be at least 1"),
      (
        ConcatSpecification(), [image, Shape(1, 6, 8, 7)],
        "Concat: input 2 of 1×6×8×7 must have the extents of the first input 1×6×8×8 but for axis 1"
      ),
      (
        ConcatSpecification(), [image, Shape(1, 6)],
        "Concat: input 2 of 1×6 must have the extents of the first input 1×6×8×8 but for axis 1"
      ),
      (
        ConcatSpecification(), [Shape(1, Int(Int32.max)), Shape(1, 1)],
        "Concat: output 1×2147483648 is impossible: no extent may exceed 2^31 - 1"
      ),
      (EltwiseSpecification(), [image], "Eltwise: 1 inputs must be at least 2"),
      (
        EltwiseSpecification(), [image, Shape(1, 6)],
        "Eltwise: input 2 of 1×6 must have the shape of the first input 1×6×8×8"
      ),
      (
        EltwiseSpecification(.product, coefficients: [1, 2]), [image, image],
        "Eltwise: 2 coefficients are possible for a sum only"
      ),
      (
        EltwiseSpecification(coefficients: [1]), [image, image],
        "Eltwise: 1 coefficients must be 2, one for each input"
      ),
      (
        EltwiseSpecification(coefficients: [1, .nan]), [image, image],
        "Eltwise: coefficient nan must be finite"
      ),
    ])
  func joins(_ specification: any LayerSpecification, _ inputs: [Shape], _ message: String) {
    let error = #expect(throws: LayerError.self) { try specification.outputShape(for: inputs) }
    #expect(error?.description == message)
  }

  @Test("but not a channel of one position less than too many, nor one that is averaged")
  func greatestPlane() throws {
    // 2³¹ − 1 is a prime.
    let row = Shape(1, 1, 1, Int(Int32.max))
    let maximum = PoolingSpecification(.maximum, kernel: 1, stride: 1)
    #expect(try maximum.outputShape(for: row) == row)
    let average = PoolingSpecification(.average, kernel: 2, stride: 2)
    #expect(
      try average.outputShape(for: Shape(1, 1, 1 << 16, 1 << 15)) == Shape(1, 1, 1 << 15, 1 << 14))
  }

  @Test("shapes that no tensor can have")
  func shapes() {
    #expect(throws: ShapeError.self) { try Shape(checking: [3, -1]) }
    #expect(throws: ShapeError.self) { try Shape(checking: [1 << 31]) }
    #expect(throws: ShapeError.self) { try Shape(checking: [1 << 30, 1 << 30, 1 << 30]) }
    #expect(throws: ShapeError.self) { try Shape(checking: [0, 1 << 30, 1 << 30, 1 << 30]) }
  }

  @Test("a network says which of its layers is impossible")
  func networkNamesLayer() {
    let error = #expect(throws: LayerError.self) { try NetworkPlan(caffenet(inputSize: 20)) }
    #expect(
      error?.description == "pool2: kernel 3×3 must not be larger than the padded input 1×1")
  }

  @Test("an unknown layer is answered with those there are")
  func unknownLayer() throws {
    let error = #expect(throws: LayerError.self) { try mini().index(of: "conv9") }
    #expect(
      error?.description.hasPrefix("mini: layer \"conv9\" must be one of: conv1, relu1") == true)
  }
}
