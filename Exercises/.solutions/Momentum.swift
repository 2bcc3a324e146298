import Layers
import Tensors

/// A solution of exercise `momentum`: one step of stochastic gradient descent, as Caffe takes it.
public struct MomentumStep<Scalar: Tensors.Scalar>: Sendable {
  /// One that needs no numbers.
  public init() {}

  /// Changes every element of `parameter` and `history`.
  public func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, history: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>
  ) {
    for i in 0..<parameter.count {
      let g = gradient[i] + Scalar(step.decay) * parameter[i]
      history[i] = Scalar(step.rate) * g + Scalar(step.momentum) * history[i]
      parameter[i] -= history[i]
    }
  }
}
