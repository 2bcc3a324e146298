import Layers
import RealModule
import Reference
import Tensors

/// A maximum in the forward pass, an average in the backward pass.
struct MaximumShared<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Pooling<Scalar>
  init(_ specification: PoolingSpecification) { right = Pooling(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      forEachWindow(of: specification, input: pass.input.shape, output: pass.output.shape) {
        output, inputs, _ in
        let share = pass.outputGradient[output] / Scalar(Double(inputs.count))
        for input in inputs { gradient[input] += share }
      }
    }
  }
}

/// Where windows overlap and share a maximum, the last one's gradient replaces the others'.
struct MaximumOverwritten<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Pooling<Scalar>
  init(_ specification: PoolingSpecification) { right = Pooling(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      forEachWindow(of: specification, input: pass.input.shape, output: pass.output.shape) {
        output, inputs, _ in
        for input in inputs where pass.input[input] == pass.output[output] {
          gradient[input] = pass.outputGradient[output]
          return
        }
      }
    }
  }
}

/// Of equal maxima each receives the whole gradient.
struct EveryMaximum<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Pooling<Scalar>
  init(_ specification: PoolingSpecification) { right = Pooling(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      forEachWindow(of: specification, input: pass.input.shape, output: pass.output.shape) {
        output, inputs, _ in
        for input in inputs where pass.input[input] == pass.output[output] {
          gradient[input] += pass.outputGradient[output]
        }
      }
    }
  }
}

/// The average divides by the window with its padding in the forward pass, and by what lies on
/// the input in the backward pass.
struct AreaClipped<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Pooling<Scalar>
  init(_ specification: PoolingSpecification) { right = Pooling(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      forEachWindow(of: specification, input: pass.input.shape, output: pass.output.shape) {
        output, inputs, _ in
        let share = pass.outputGradient[output] / Scalar(Double(inputs.count))
        for input in inputs { gradient[input] += share }
      }
    }
  }
}

/// The windows that the border cuts off pass nothing back.
struct CutWindowsLost<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Pooling<Scalar>
  init(_ specification: PoolingSpecification) { right = Pooling(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    pass.replace(&inputGradient) { gradient in
      forEachWindow(of: specification, input: pass.input.shape, output: pass.output.shape) {
        output, inputs, isCutOff in
        guard !isCutOff else { return }
        let share = pass.outputGradient[output] / Scalar(Double(inputs.count))
        for input in inputs { gradient[input] += share }
      }
    }
  }
}
