import Layers
import Reference
import Tensors
import Testing

@Suite("A layer of one's own, OwnLayerSpeed")
struct OwnLayerSpeedTests {
  @Test("is as fast as Reference's where it says for which numbers it is to be made")
  func specialization() throws {
    let shape = Shape(8, 32, 28, 28)
    let generic = try nanoseconds(GenericScale<Float>(), shape)
    let specialized = try nanoseconds(Scale<Float>(), shape)
    let reference = try nanoseconds(Reference.ReLU<Float>(ReLUSpecification()), shape)
    func text(_ number: Double) -> String { "\(Double(Int(10 * number)) / 10) ns an element" }
    print(
      "Scale, forwards: generic \(text(generic)), specialized \(text(specialized)); Reference.ReLU "
        + "\(text(reference))")
    // It is some sixty times. A debug build specializes nothing.
    #if !DEBUG
      #expect(specialized < 0.5 * generic)
    #endif
  }

  /// The least time of a forward pass as a network runs it, for each element.
  @inline(never)
  private func nanoseconds(_ layer: any Layer<Float>, _ shape: Shape) throws -> Double {
    func run<L: Layer<Float>>(_ layer: L) throws -> Double {
      let input = Tensor<Float>(shape, repeating: 0.5)
      let parameters = try layer.specification.parameters(for: [shape]).map {
        Tensor<Float>($0.shape, repeating: 2)
      }
      var (output, context) = (Tensor<Float>(shape), RunContext())
      var saved = try layer.makeSaved(for: [shape])
      let durations = (0..<7).map { _ in
        ContinuousClock().measure {
          layer.forward(
            [input], parameters: parameters, context: &context, output: &output, saved: &saved)
        }
      }
      let least = durations.min() ?? .zero
      return least / .nanoseconds(1) / Double(shape.count)
    }
    return try run(layer)
  }
}

/// `Scale` without a word about numbers.
private struct GenericScale<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification = ScaleSpecification()

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    for i in 0..<input.count {
      let channel = i / input.shape.spatialCount % input.shape.channels
      output[i] = parameters[0][channel] * input[i]
    }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { $0.fill(with: 0) }
  }
}
