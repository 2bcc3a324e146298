import Layers
import Tensors

/// A layer with a bug: the right layer, whose backward pass is spoiled afterwards, or which has a forward
/// pass of its own.
struct Broken<Right: SingleInputLayer>: SingleInputLayer where Right.Scalar == Double {
  typealias Saved = Right.Saved
  typealias Forward =
    @Sendable (
      _ right: Right, _ input: Tensor<Double>, _ parameters: [Tensor<Double>],
      _ context: inout RunContext, _ output: inout Tensor<Double>, _ saved: inout Right.Saved
    ) -> Void
  typealias Spoil =
    @Sendable (_ gradients: inout PassGradients, _ pass: BackwardPass<Right>) -> Void

  /// The layer that it would be without the bug.
  let right: Right
  let wrongForward: Forward?
  /// Puts the bug into the gradients that the right backward pass has left.
  let spoil: Spoil

  var specification: Right.Specification { right.specification }

  func makeSaved(for input: Shape) throws(LayerError) -> Right.Saved {
    try right.makeSaved(for: input)
  }

  func forward(
    _ input: Tensor<Double>, parameters: [Tensor<Double>], context: inout RunContext,
    output: inout Tensor<Double>, saved: inout Right.Saved
  ) {
    guard let wrongForward else {
      return right.forward(
        input, parameters: parameters, context: &context, output: &output, saved: &saved)
    }
    wrongForward(right, input, parameters, &context, &output, &saved)
  }

  func backward(
    outputGradient: Tensor<Double>, input: Tensor<Double>, output: Tensor<Double>,
    parameters: [Tensor<Double>], saved: Right.Saved, inputGradient: inout Tensor<Double>?,
    parameterGradients: inout [Tensor<Double>], accumulating: Bool
  ) {
    let pass = BackwardPass(
      right: right, outputGradient: outputGradient, input: input, output: output,
      parameters: parameters, saved: saved, before: parameterGradients, accumulating: accumulating)
    var gradients = PassGradients(input: inputGradient, parameters: parameterGradients)
    pass.run(&gradients)
    spoil(&gradients, pass)
    (inputGradient, parameterGradients) = (gradients.input, gradients.parameters)
  }
}

/// What a backward pass leaves.
struct PassGradients {
  /// ∂L/∂in; `nil` when nobody needs it.
  var input: Tensor<Double>?
  /// ∂L/∂θ.
  var parameters: [Tensor<Double>]

  /// Replaces the input's gradient by a wrong one, computed anew from zero, if it is needed.
  mutating func replaceInput(by compute: (inout Tensor<Double>) -> Void) {
    input.update { gradient in
      gradient.fill(with: 0)
      compute(&gradient)
    }
  }
}

/// What a backward pass is given.
struct BackwardPass<Right: SingleInputLayer> where Right.Scalar == Double {
  let right: Right
  let outputGradient, input, output: Tensor<Double>
  var parameters: [Tensor<Double>]
  let saved: Right.Saved
  /// What the parameters' gradients were before the pass.
  let before: [Tensor<Double>]
  let accumulating: Bool

  var specification: Right.Specification { right.specification }

  /// The right pass, with another gradient of the output if one is given.
  func run(_ gradients: inout PassGradients, outputGradient: Tensor<Double>? = nil) {
    gradients.parameters = before
    right.backward(
      outputGradient: outputGradient ?? self.outputGradient, input: input, output: output,
      parameters: parameters, saved: saved, inputGradient: &gradients.input,
      parameterGradients: &gradients.parameters, accumulating: accumulating)
  }

  /// Replaces a parameter's gradient by a wrong one, computed anew from zero, or adds it to what
  /// was there when that is asked for.
  func replace(
    _ number: Int, of gradients: inout PassGradients, by compute: (inout Tensor<Double>) -> Void
  ) {
    var gradient = Tensor<Double>(before[number].shape)
    compute(&gradient)
    if accumulating { gradient.add(before[number]) }
    gradients.parameters[number] = gradient
  }
}
