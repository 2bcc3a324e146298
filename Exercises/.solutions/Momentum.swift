import Layers
import Tensors

/// A solution of exercise `momentum`: one step of stochastic gradient descent, as Caffe takes it.
public struct MomentumStep<Scalar: Tensors.Scalar>: Sendable {
  /// One that needs no numbers.
  public init() {}

  /// Changes every element of `parameter` and `momentumBuffer`.
  @specialized(where Scalar == Float)
  public func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>
  ) {
    for i in 0..<parameter.count {
      let g = gradient[i] + Scalar(step.decay) * parameter[i]
      momentumBuffer[i] = Scalar(step.rate) * g + Scalar(step.momentum) * momentumBuffer[i]
      parameter[i] -= momentumBuffer[i]
    }
  }
}
