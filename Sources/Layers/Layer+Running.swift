import Tensors

/// What a forward pass of one layer yields.
public struct ForwardResult<L: Layer> {
  /// y.
  public var output: Tensor<L.Scalar>
  /// What the backward pass needs beside input and output.
  public var saved: L.Saved
}

/// What a backward pass of one layer yields.
public struct Gradients<Scalar: Tensors.Scalar>: Sendable {
  /// ∂L/∂x.
  public var input: Tensor<Scalar>
  /// ∂L/∂θ, in the order of the parameters.
  public var parameters: [Tensor<Scalar>]
}

extension Layer {
  /// The forward pass in new memory, its arguments checked first.
  ///
  /// - Throws: `LayerError` when the specification refuses the input, or the parameters don't have
  ///   the shapes that it gives them.
  /// - Complexity: That of the layer's own `forward`. Allocates the output and what the layer
  ///   keeps.
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>] = [],
    context: RunContext = RunContext()
  ) throws(LayerError) -> ForwardResult<Self> {
    let expected = try specification.parameters(for: input.shape)
    let type = Specification.typeName
    try require(
      parameters.count == expected.count, type, "\(parameters.count) parameters",
      "must be \(expected.count) for input \(input.shape)")
    for (parameter, wanted) in zip(parameters, expected) {
      try require(
        parameter.shape == wanted.shape, type, "\(wanted.name) of shape \(parameter.shape)",
        "must have shape \(wanted.shape) for input \(input.shape)")
    }
    var output = Tensor<Scalar>(try specification.outputShape(for: input.shape))
    var saved = try makeSaved(for: input.shape)
    var context = context
    forward(input, parameters: parameters, context: &context, output: &output, saved: &saved)
    return ForwardResult(output: output, saved: saved)
  }

  /// The backward pass in new memory, at the point of a forward pass.
  ///
  /// - Throws: `LayerError` when the output's gradient doesn't have the output's shape.
  /// - Complexity: That of the layer's own `backward`. Allocates all gradients.
  public func backward(
    _ outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, parameters: [Tensor<Scalar>] = [],
    after forward: ForwardResult<Self>
  ) throws(LayerError) -> Gradients<Scalar> {
    try require(
      outputGradient.shape == forward.output.shape, Specification.typeName,
      "output gradient of shape \(outputGradient.shape)",
      "must have the output's shape \(forward.output.shape)")
    var inputGradient: Tensor<Scalar>? = Tensor(input.shape)
    var parameterGradients = parameters.map { Tensor<Scalar>($0.shape) }
    backward(
      outputGradient: outputGradient, input: input, output: forward.output,
      parameters: parameters, saved: forward.saved, inputGradient: &inputGradient,
      parameterGradients: &parameterGradients, accumulating: false)
    return Gradients(input: inputGradient ?? outputGradient, parameters: parameterGradients)
  }
}

extension Optional {
  /// Changes the value in its own memory, if there is one.
  ///
  /// - Complexity: That of `body`: the value is moved out and back, never copied.
  public mutating func update(_ body: (inout Wrapped) -> Void) {
    guard var value = take() else { return }
    body(&value)
    self = value
  }
}
