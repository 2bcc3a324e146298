import Layers
import Reference
import Tensors

/// Parameter gradients are added to what was there although they should be overwritten.
struct AlwaysAccumulates<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: Convolution<Scalar>
  init(_ specification: ConvolutionSpecification) { right = Convolution(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    guard !pass.accumulating else { return }
    for number in parameterGradients.indices {
      for i in 0..<parameterGradients[number].count {
        parameterGradients[number][i] += pass.before[number][i]
      }
    }
  }
}

/// Parameter gradients are overwritten although they should be added to what was there.
struct NeverAccumulates<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: InnerProduct<Scalar>
  init(_ specification: InnerProductSpecification) { right = InnerProduct(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    guard pass.accumulating else { return }
    for number in parameterGradients.indices {
      for i in 0..<parameterGradients[number].count {
        parameterGradients[number][i] -= pass.before[number][i]
      }
    }
  }
}

/// When nobody needs the input's gradient, the backward pass returns before it has come to the
/// bias.
struct ReturnsEarly<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: InnerProduct<Scalar>
  init(_ specification: InnerProductSpecification) { right = InnerProduct(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    if inputGradient == nil { parameterGradients[1] = pass.before[1] }
  }
}

/// The bias gradient is summed in an order that differs from run to run, as threads that add to
/// one sum do.
struct UnorderedSum<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: InnerProduct<Scalar>
  init(_ specification: InnerProductSpecification) { right = InnerProduct(specification) }

  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {
    let outputs = specification.outputs
    pass.replace(1, of: &parameterGradients) { gradient in
      for i in (0..<pass.output.count).shuffled() {
        gradient[i % outputs] += pass.outputGradient[i]
      }
    }
  }
}

/// The forward pass adds to the output's memory instead of overwriting it.
struct OutputAccumulates<Scalar: Tensors.Scalar>: BrokenBySpecification {
  let right: InnerProduct<Scalar>
  init(_ specification: InnerProductSpecification) { right = InnerProduct(specification) }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let before = output
    right.forward(
      input, parameters: parameters, context: &context, output: &output, saved: &saved)
    for i in 0..<output.count { output[i] += before[i] }
  }
}
