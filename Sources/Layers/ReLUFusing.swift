/// A layer that can rectify its own output, which spares a ReLU's passes over memory.
///
/// A network that finds an in-place ReLU behind such a layer may run `fusing(_:)` in the place of
/// the two: one buffer holds the rectified output, as it would with the ReLU in place, and the
/// backward pass takes the gradient of that buffer.
public protocol ReLUFusing<Scalar>: Layer {
  /// This layer followed by a ReLU, or `nil` where the output couldn't tell the sign it had before.
  func fusing(_ relu: ReLUSpecification) -> Self?
}
