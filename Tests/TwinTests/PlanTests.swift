import LayerCases
import Layers
import Tensors
import Testing

@testable import Tuned

/// Which shapes Tuned's algorithms take. What they compute is compared in `AgreementTests`.
@Suite("The plans of Tuned")
struct PlanTests {
  /// With a stride, or few channels, the gradient of the input is Fast's.
  @Test(
    "Direct convolution goes backwards too", .enabled(if: TunedBackend.isSupported),
    arguments: LayerCase.convolution.filter { $0.tunedAlgorithm?.hasPrefix("direct") == true })
  func direct(_ testCase: LayerCase) throws {
    let specification = try #require(testCase.specification as? ConvolutionSpecification)
    let input = testCase.inputs[0]
    let plan = try #require(DirectConvolution.Plan(specification, input))
    #expect(plan.goesBackwards(toInput: false))
    #expect(
      plan.goesBackwards(toInput: true)
        == (specification.stride == 1 && input.channels / specification.group >= 16))
  }

  @Test("Few filters, 1×1 kernels, dilation and huge pads stay Fast's")
  func notDirect() {
    for specification in [
      ConvolutionSpecification(outputChannels: 15, kernel: 3),
      ConvolutionSpecification(outputChannels: 16, kernel: 1),
      ConvolutionSpecification(outputChannels: 16, kernel: 3, dilation: 2),
      ConvolutionSpecification(outputChannels: 16, kernel: 2, stride: 1, pad: Extent(1 << 30)),
    ] {
      #expect(DirectConvolution.Plan(specification, Shape(8, 4, 7, 7)) == nil)
      #expect(Convolution(specification).algorithm(for: Shape(8, 4, 7, 7)) == "= fast")
    }
  }

  @Test(
    "CaffeNet's convolutions are filtered with fewer multiplications, in mosaics where these are full"
  )
  func winograd() throws {
    func plan(_ specification: ConvolutionSpecification, _ input: Shape) -> Winograd.Plan? {
      Winograd.Plan(specification, input)
    }
    let conv1 = ConvolutionSpecification(outputChannels: 96, kernel: 11, stride: 4)
    let conv2 = ConvolutionSpecification(outputChannels: 256, kernel: 5, pad: 2, group: 2)
    let conv3 = ConvolutionSpecification(outputChannels: 384, kernel: 3, pad: 1)
    for batch in [1, 2, 3, 4, 5, 7, 8, 16, 63, 64] {
      #expect(plan(conv1, Shape(batch, 3, 227, 227))?.name == "Winograd F(4×4, 3×3)")
      #expect(plan(conv2, Shape(batch, 96, 27, 27))?.name == "Winograd F(3×3, 5×5)")
      let third = try #require(plan(conv3, Shape(batch, 256, 13, 13)))
      // 16 tiles an image alone, 49 for four.
      #expect(third.winograd.side == ([1, 2, 3, 5].contains(batch) ? 1 : 2))
    }
    #expect(plan(conv1, Shape(1, 3, 227, 227))?.winograd.channels == 48)
    #expect(plan(conv1, Shape(1, 3, 227, 227))?.goesBackwardsToInput == false)
  }

  @Test("Few channels, other kernels and strides, dilation and large images aren't")
  func notWinograd() {
    for (specification, input) in [
      (ConvolutionSpecification(outputChannels: 64, kernel: 3, pad: 1), Shape(8, 3, 13, 13)),
      (.init(outputChannels: 4, kernel: 3, pad: 1), Shape(8, 64, 13, 13)),
      (.init(outputChannels: 64, kernel: 3, pad: 1, group: 16), Shape(8, 64, 13, 13)),
      (.init(outputChannels: 64, kernel: 3), Shape(1, 64, 3, 3)),
      (.init(outputChannels: 64, kernel: 1), Shape(8, 64, 13, 13)),
      (.init(outputChannels: 64, kernel: 7, pad: 3), Shape(8, 64, 13, 13)),
      (.init(outputChannels: 64, kernel: Extent(height: 3, width: 5)), Shape(8, 64, 13, 13)),
      (.init(outputChannels: 64, kernel: 9, stride: 3), Shape(8, 64, 63, 63)),
      (.init(outputChannels: 64, kernel: 3, dilation: 2), Shape(8, 64, 13, 13)),
      (.init(outputChannels: 64, kernel: 3, pad: 1), Shape(1, 64, 500, 500)),
      (.init(outputChannels: 64, kernel: 3, stride: 1, pad: Extent(1 << 30)), Shape(1, 64, 9, 9)),
      (.init(outputChannels: 64, kernel: 3, pad: 1), Shape(0, 64, 13, 13)),
    ] {
      #expect(Winograd.Plan(specification, input) == nil, "\(specification) on \(input)")
    }
    let conv3 = ConvolutionSpecification(outputChannels: 384, kernel: 3, pad: 1)
    let exact = Convolution(conv3, isExact: true)
    #expect(exact.algorithm(for: Shape(8, 256, 13, 13)) == "direct, NHWC")
  }

  @Test("An inner product of no images stays Fast's")
  func innerProduct() {
    #expect(InnerProduct(.init(outputs: 5)).algorithm(for: Shape(0, 7)) == "= fast")
  }

  @Test("LRN across channels with β = ¾ is Tuned's", arguments: LayerCase.lrn)
  func lrn(_ testCase: LayerCase) throws {
    let specification = try #require(testCase.specification as? LRNSpecification)
    let isPlanned = specification.beta == 0.75 && specification.region == .acrossChannels
    #expect(
      LRN(specification).algorithm(for: testCase.inputs[0])
        == (isPlanned ? "x^−¾ by Newton's method" : "= fast"))
  }

  @Test("The shapes of a sliding maximum, and some that are Fast's")
  func slidingMaximum() {
    let overlapping = PoolingSpecification(.maximum, kernel: 3, stride: 2)
    let padded = PoolingSpecification(.maximum, kernel: 3, stride: 2, pad: 1)
    let average = PoolingSpecification(.average, kernel: 3, stride: 2)
    let few = PoolingSpecification(.maximum, kernel: 11, stride: 11)
    #expect(SlidingMaximum(overlapping, Shape(2, 3, 13, 13)) != nil)
    #expect(SlidingMaximum(padded, Shape(2, 3, 8, 9)) != nil)
    #expect(SlidingMaximum(overlapping, Shape(2, 3, 4, 4)) == nil)
    #expect(SlidingMaximum(average, Shape(2, 3, 13, 13)) == nil)
    #expect(SlidingMaximum(few, Shape(2, 3, 44, 44)) == nil)
  }
}
