import Layers
import RealModule
import Reference
import Tensors

/// The gradient passes where the gradient itself is positive, instead of the input. ("Guided
/// backpropagation" does this on purpose, half of it.)
struct GatedByGradient<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: ReLU<Scalar>
  init(_ specification: ReLUSpecification) { right = ReLU(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      for i in 0..<gradient.count {
        gradient[i] = pass.outputGradient[i] > 0 ? pass.outputGradient[i] : 0
      }
    }
  }
}

/// The forward pass is leaky, the backward pass isn't.
struct SlopeForgotten<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: ReLU<Scalar>
  init(_ specification: ReLUSpecification) { right = ReLU(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      for i in 0..<gradient.count where pass.input[i] > 0 {
        gradient[i] = pass.outputGradient[i]
      }
    }
  }
}

/// At exactly 0 both branches are taken: `if x >= 0 { g += v }` and `if x <= 0 { g += slope·v }`.
struct BothSidesAtZero<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: ReLU<Scalar>
  init(_ specification: ReLUSpecification) { right = ReLU(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let slope = Scalar(specification.negativeSlope)
    pass.replace(&inputGradient) { gradient in
      for i in 0..<gradient.count {
        if pass.input[i] >= 0 { gradient[i] += pass.outputGradient[i] }
        if pass.input[i] <= 0 { gradient[i] += slope * pass.outputGradient[i] }
      }
    }
  }
}

/// In place, the backward pass takes the output for the input, which it has overwritten. With a
/// slope below 0 an output above 0 says nothing of the input's sign.
struct ReadsOverwrittenInput<Scalar: Tensors.Scalar>: BrokenBySpecification, InPlaceLayer {
  let right: ReLU<Scalar>
  init(_ specification: ReLUSpecification) { right = ReLU(specification) }

  /// It doesn't know better.
  var inPlaceObstacle: String? { nil }

  func forward(inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout Saved) {
    right.forward(inPlace: &data, context: &context, saved: &saved)
  }

  func backward(inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: Saved) {
    right.backward(inPlace: &gradient, output: output, saved: saved)
  }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {}
}

/// The forward pass divides by 1 − ratio, the backward pass only applies the mask.
struct MaskNotRescaled<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Dropout<Scalar>
  init(_ specification: DropoutSpecification) { right = Dropout(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    inputGradient.update { gradient in
      for i in 0..<gradient.count { gradient[i] /= Scalar(specification.scale) }
    }
  }
}

/// The backward pass draws a mask of its own instead of using the one of the forward pass.
struct NewMask<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Dropout<Scalar>
  init(_ specification: DropoutSpecification) { right = Dropout(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    var random = MersenneTwister(seed: 4711)
    pass.replace(&inputGradient) { gradient in
      for i in 0..<gradient.count where random.next() <= specification.keepThreshold {
        gradient[i] = pass.outputGradient[i] * Scalar(specification.scale)
      }
    }
  }
}

/// The mask comes from the system's random numbers: the seed has no say in it.
struct Unseeded<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Dropout<Scalar>
  init(_ specification: DropoutSpecification) { right = Dropout(specification) }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Dropout<Scalar>.Saved
  ) {
    var own = RunContext(phase: context.phase, seed: .random(in: 0 ... .max))
    right.forward(input, parameters: parameters, context: &own, output: &output, saved: &saved)
  }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {}
}
