import Layers
import Tensors

/// A layer in a network: it reads the blob `bottom` and writes the blob `top`. It keeps its parameters,
/// and between the passes what its backward pass needs.
public final class Step<Scalar: Tensors.Scalar> {
  /// The names of what it reads and writes.
  public let bottom, top: String
  /// ∂L/∂parameters after a backward pass.
  public private(set) var parameterGradients: [Tensor<Scalar>] = []
  private let runForward: (Tensor<Scalar>) -> Tensor<Scalar>
  private let runBackward: (Tensor<Scalar>) -> (Tensor<Scalar>, [Tensor<Scalar>])

  /// A layer between two blobs.
  ///
  /// - Throws: `LayerError` for an input that the layer refuses.
  public init<L: SingleInputLayer<Scalar>>(
    _ layer: L, from bottom: String, to top: String, input shape: Shape,
    parameters: [Tensor<Scalar>] = [], labels: [Int] = []
  ) throws {
    (self.bottom, self.top) = (bottom, top)
    var input = Tensor<Scalar>(shape)
    var output = Tensor<Scalar>(try layer.specification.outputShape(for: shape))
    var saved = try layer.makeSaved(for: shape)
    runForward = { data in
      input = data
      var context = RunContext(labels: labels)
      layer.forward(
        input, parameters: parameters, context: &context, output: &output, saved: &saved)
      return output
    }
    runBackward = { outputGradient in
      var inputGradient: Tensor<Scalar>? = Tensor(shape)
      var gradients = parameters.map { Tensor<Scalar>($0.shape) }
      layer.backward(
        outputGradient: outputGradient, input: input, output: output, parameters: parameters,
        saved: saved, inputGradient: &inputGradient, parameterGradients: &gradients,
        accumulating: false)
      return (inputGradient ?? Tensor(shape), gradients)
    }
  }

  /// The output for an input.
  public func forward(_ input: Tensor<Scalar>) -> Tensor<Scalar> { runForward(input) }

  /// ∂L/∂in from ∂L/∂out, for the input of the last forward pass.
  public func backward(_ outputGradient: Tensor<Scalar>) -> Tensor<Scalar> {
    let (inputGradient, parameterGradients) = runBackward(outputGradient)
    self.parameterGradients = parameterGradients
    return inputGradient
  }
}

/// a + b, element by element. Both have the same shape.
public func sum<Scalar: Tensors.Scalar>(
  _ a: Tensor<Scalar>, _ b: Tensor<Scalar>
) -> Tensor<Scalar> {
  var sum = a
  for i in 0..<sum.count { sum[i] += b[i] }
  return sum
}
