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
    arguments: LayerCase.convolution.filter { $0.tunedAlgorithm != nil })
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
