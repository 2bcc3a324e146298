import Layers
import Tensors
import Workbench

/// Exercise `momentum`: one step of stochastic gradient descent, as Caffe takes it.
///
/// With gradient g, parameter w and momentum buffer h, element by element and in this order:
///
///     g ← g + decay · w              weight decay: ½·decay·Σw² is part of the loss
///     h ← rate · g + momentum · h
///     w ← w − h
///
/// All tensors have the same shape: element i of `tensor.count` is `tensor[i]`. The numbers are
/// `step.rate`, `step.momentum` and `step.decay`, all `Double`; `Scalar(step.rate)` makes one that
/// can be multiplied with an element.
///
/// Replace the `gap` with your code, then run `script/exercise momentum`.
public struct MomentumStep<Scalar: Tensors.Scalar>: Sendable {
  /// One that needs no numbers.
  public init() {}

  /// Changes every element of `parameter` and `momentumBuffer`.
  @specialized(where Scalar == Float)
  public func take(
    _ step: SGDStep, on parameter: inout Tensor<Scalar>, momentumBuffer: inout Tensor<Scalar>,
    gradient: Tensor<Scalar>
  ) {
    gap("step")
  }
}
