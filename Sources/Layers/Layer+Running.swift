import Tensors

/// What a forward pass of one layer yields.
public struct ForwardResult<L: Layer> {
  /// y.
  public var output: Tensor<L.Scalar>
  /// What the backward pass needs beside inputs and output.
  public var saved: L.Saved
}

/// What a backward pass of one layer yields.
public struct Gradients<Scalar: Tensors.Scalar>: Sendable {
  /// ∂L/∂x, for each input.
  public var inputs: [Tensor<Scalar>]
  /// ∂L/∂θ, in the order of the parameters; 0 for state.
  public var parameters: [Tensor<Scalar>]

  /// ∂L/∂x by the first input.
  ///
  /// - Precondition: the layer has inputs.
  public var input: Tensor<Scalar> { inputs[0] }
}

extension Layer {
  /// The forward pass in new memory, its arguments checked first.
  ///
  /// - Throws: `LayerError` when the specification refuses the inputs or the labels of the context, or
  ///   the parameters don't have the shapes that it gives them.
  /// - Complexity: That of the layer's own `forward`. Allocates the output and what the layer
  ///   keeps.
  public func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>] = [],
    context: RunContext = RunContext()
  ) throws(LayerError) -> ForwardResult<Self> {
    let shapes = inputs.map(\.shape)
    let type = Specification.typeName
    let place = "for input " + shapes.map(\.description).joined(separator: ", ")
    let expected = try specification.parameters(for: shapes)
    try require(
      parameters.count == expected.count, type, "\(parameters.count) parameters",
      "must be \(expected.count) \(place)")
    for (parameter, wanted) in zip(parameters, expected) {
      try require(
        parameter.shape == wanted.shape, type, "\(wanted.name) of shape \(parameter.shape)",
        "must have shape \(wanted.shape) \(place)")
    }
    var output = Tensor<Scalar>(try specification.outputShape(for: shapes))
    if specification.takesLabels {
      try specification.checkLabels(context.labels, for: shapes)
    }
    var saved = try makeSaved(for: shapes)
    var context = context
    forward(inputs, parameters: parameters, context: &context, output: &output, saved: &saved)
    return ForwardResult(output: output, saved: saved)
  }

  /// The backward pass in new memory, at the point of a forward pass.
  ///
  /// - Throws: `LayerError` when the output's gradient doesn't have the output's shape.
  /// - Complexity: That of the layer's own `backward`. Allocates all gradients.
  public func backward(
    _ outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>] = [],
    after forward: ForwardResult<Self>
  ) throws(LayerError) -> Gradients<Scalar> {
    try require(
      outputGradient.shape == forward.output.shape, Specification.typeName,
      "output gradient of shape \(outputGradient.shape)",
      "must have the output's shape \(forward.output.shape)")
    var inputGradients: [Tensor<Scalar>?] = inputs.map { Tensor($0.shape) }
    var parameterGradients = parameters.map { Tensor<Scalar>($0.shape) }
    backward(
      outputGradient: outputGradient, inputs: inputs, output: forward.output,
      parameters: parameters, saved: forward.saved, inputGradients: &inputGradients,
      parameterGradients: &parameterGradients, accumulating: false)
    return Gradients(
      inputs: zip(inputs, inputGradients).map { $1 ?? Tensor($0.shape) },
      parameters: parameterGradients)
  }
}

extension SingleInputLayer {
  /// The forward pass in new memory, its arguments checked first.
  ///
  /// - Throws: as for several inputs.
  /// - Complexity: That of the layer's own `forward`. Allocates the output and what the layer
  ///   keeps.
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>] = [],
    context: RunContext = RunContext()
  ) throws(LayerError) -> ForwardResult<Self> {
    try forward([input], parameters: parameters, context: context)
  }

  /// The backward pass in new memory, at the point of a forward pass.
  ///
  /// - Throws: `LayerError` when the output's gradient doesn't have the output's shape.
  /// - Complexity: That of the layer's own `backward`. Allocates all gradients.
  public func backward(
    _ outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, parameters: [Tensor<Scalar>] = [],
    after forward: ForwardResult<Self>
  ) throws(LayerError) -> Gradients<Scalar> {
    try backward(outputGradient, inputs: [input], parameters: parameters, after: forward)
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
