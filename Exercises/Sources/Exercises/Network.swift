import Layers
import Tensors
import Workbench

/// Exercise `network`: the layers one after another, and then in reverse.
///
/// The steps stand in order: each reads the blob `step.bottom`, which an earlier step has written, or
/// the images, `data`, and writes the blob `step.top`. A blob may be read by several steps.
///
/// Forwards: `step.forward(input)` gives a step's output.
///
/// Backwards: `step.backward(∂L/∂out)` gives ∂L/∂in, by the chain rule. L is the sum of all losses, so
/// the gradient of each loss is 1: these are there when `backward` begins. Which step can go first?
/// And what is ∂L/∂in of a blob that two steps read? `sum(a, b)` adds two tensors.
///
/// Replace each `gap` with your code, then run `script/exercise network`.
public struct Network<Scalar: Tensors.Scalar> {
  /// The layers in order.
  public let steps: [Step<Scalar>]

  /// A network of these layers.
  public init(_ steps: [Step<Scalar>]) {
    self.steps = steps
  }

  /// All blobs by their names, the images among them.
  public func forward(_ images: Tensor<Scalar>) -> [String: Tensor<Scalar>] {
    var blobs = ["data": images]
    gap("forward")
    return blobs
  }

  /// ∂L/∂blob for all blobs by their names.
  ///
  /// - Parameter lossGradients: 1 for each loss, by its name.
  public func backward(_ lossGradients: [String: Tensor<Scalar>]) -> [String: Tensor<Scalar>] {
    var gradients = lossGradients
    gap("backward")
    return gradients
  }
}
