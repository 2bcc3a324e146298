import Layers
import Tensors
import Workbench

/// A solution of exercise `network`: the layers one after another, and then in reverse.
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
    for step in steps {
      if let input = blobs[step.bottom] { blobs[step.top] = step.forward(input) }
    }
    return blobs
  }

  /// ∂L/∂blob for all blobs by their names.
  ///
  /// - Parameter lossGradients: 1 for each loss, by its name.
  public func backward(_ lossGradients: [String: Tensor<Scalar>]) -> [String: Tensor<Scalar>] {
    var gradients = lossGradients
    for step in steps.reversed() {
      guard let outputGradient = gradients[step.top] else { continue }
      let inputGradient = step.backward(outputGradient)
      gradients[step.bottom] =
        gradients[step.bottom].map { sum($0, inputGradient) } ?? inputGradient
    }
    return gradients
  }
}
