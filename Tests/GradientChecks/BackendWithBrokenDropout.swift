import Layers
import Reference
import Tensors

/// The naive layers, but dropout doesn't scale its gradient, and may refuse to work in place.
struct BackendWithBrokenDropout: DerivedBackend {
  let base = ReferenceBackend<Double>()
  var obstacle: String? = nil
  var name: String { "broken" }

  func dropout(_ specification: DropoutSpecification) -> any InPlaceLayer<Double> {
    UnscaledDropout(right: Dropout(specification), inPlaceObstacle: obstacle)
  }
}

private struct UnscaledDropout: InPlaceLayer {
  let right: Dropout<Double>
  let inPlaceObstacle: String?
  var specification: DropoutSpecification { right.specification }

  func makeSaved(for input: Shape) throws(LayerError) -> Dropout<Double>.Saved {
    try right.makeSaved(for: input)
  }

  func forward(
    _ input: Tensor<Double>, parameters: [Tensor<Double>], context: inout RunContext,
    output: inout Tensor<Double>, saved: inout Dropout<Double>.Saved
  ) {
    right.forward(
      input, parameters: parameters, context: &context, output: &output, saved: &saved)
  }

  func backward(
    outputGradient: Tensor<Double>, input: Tensor<Double>, output: Tensor<Double>,
    parameters: [Tensor<Double>], saved: Dropout<Double>.Saved,
    inputGradient: inout Tensor<Double>?, parameterGradients: inout [Tensor<Double>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      for i in 0..<gradient.count { gradient[i] = saved.keeps[i] ? outputGradient[i] : 0 }
    }
  }

  func forward(
    inPlace data: inout Tensor<Double>, context: inout RunContext,
    saved: inout Dropout<Double>.Saved
  ) {
    right.forward(inPlace: &data, context: &context, saved: &saved)
  }

  func backward(
    inPlace gradient: inout Tensor<Double>, output: Tensor<Double>, saved: Dropout<Double>.Saved
  ) {
    for i in 0..<gradient.count where !saved.keeps[i] { gradient[i] = 0 }
  }
}
