import Fast
import Foundation
import Layers
import Tensors
import Testing

/// The fast passes work on bare pointers: tensors that don't fit together must stop the program
/// before anything is read or written beyond them.
@Suite("Fast stops where tensors don't fit together")
struct MisfitTests {
  /// How a failed precondition ends a process, which a wrong access of memory wouldn't.
  private static var trap: ExitTest.Condition {
    #if arch(x86_64)
      .signal(SIGILL)
    #else
      .signal(SIGTRAP)
    #endif
  }

  @Test("a bias too short for a convolution")
  func convolutionBias() async {
    await #expect(processExitsWith: Self.trap) {
      runForward(
        Convolution<Float>(ConvolutionSpecification(outputChannels: 4, kernel: 3)),
        Shape(1, 2, 5, 5), parameters: [Shape(4, 2, 3, 3), Shape(3)], output: Shape(1, 4, 3, 3))
    }
  }

  @Test("an output with a channel too few for a convolution")
  func convolutionOutput() async {
    await #expect(processExitsWith: Self.trap) {
      runForward(
        Convolution<Float>(ConvolutionSpecification(outputChannels: 4, kernel: 3)),
        Shape(1, 2, 5, 5), parameters: [Shape(4, 2, 3, 3), Shape(4)], output: Shape(1, 3, 3, 3))
    }
  }

  @Test("weights too short for an inner product")
  func innerProductWeights() async {
    await #expect(processExitsWith: Self.trap) {
      runForward(
        InnerProduct<Float>(InnerProductSpecification(outputs: 4)),
        Shape(2, 8), parameters: [Shape(4, 7), Shape(4)], output: Shape(2, 4))
    }
  }

  @Test("memory of another input's maxima for pooling")
  func poolingPositions() async {
    await #expect(processExitsWith: Self.trap) {
      let layer = Pooling<Float>(PoolingSpecification(.maximum, kernel: 2, stride: 2))
      var saved = try layer.makeSaved(for: Shape(1, 1, 4, 4))
      var context = RunContext()
      var output = Tensor<Float>(Shape(1, 2, 2, 2))
      layer.forward(
        Tensor(Shape(1, 2, 4, 4)), parameters: [], context: &context, output: &output,
        saved: &saved)
    }
  }

  @Test("a tensor whose elements were taken away")
  func elements() async {
    await #expect(processExitsWith: Self.trap) {
      var input = Tensor<Float>(Shape(1, 64))
      input.elements.removeLast(32)
      var (output, context, saved) = (Tensor<Float>(Shape(1, 64)), RunContext(), NothingSaved())
      ReLU<Float>(ReLUSpecification()).forward(
        input, parameters: [], context: &context, output: &output, saved: &saved)
    }
  }
}

/// Runs a pass on zeros.
private func runForward<L: SingleInputLayer>(
  _ layer: L, _ input: Shape, parameters: [Shape], output: Shape
) where L.Saved == NothingSaved {
  var (output, context, saved) = (Tensor<L.Scalar>(output), RunContext(), NothingSaved())
  layer.forward(
    Tensor(input), parameters: parameters.map { Tensor($0) }, context: &context, output: &output,
    saved: &saved)
}
