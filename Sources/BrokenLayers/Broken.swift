import Layers
import Tensors

/// A layer with a bug: the right layer, whose backward pass is spoiled afterwards, or which has a pass
/// of its own.
protocol Broken: SingleInputLayer {
  associatedtype Saved = Right.Saved
  /// The layer that it would be without the bug.
  associatedtype Right: SingleInputLayer
  where Right.Scalar == Scalar, Right.Saved == Saved, Right.Specification == Specification

  var right: Right { get }

  /// Puts the bug into the gradients that the right backward pass has left.
  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>)
}

/// A broken layer that its specification tells all of.
protocol BrokenBySpecification: Broken {
  init(_ specification: Specification)
}

/// What a backward pass is given.
struct BackwardPass<Scalar: Tensors.Scalar> {
  var outputGradient: Tensor<Scalar>
  var input: Tensor<Scalar>
  var output: Tensor<Scalar>
  var parameters: [Tensor<Scalar>]
  /// What the parameters' gradients were before the pass.
  var before: [Tensor<Scalar>]
  var accumulating: Bool
}

extension Broken {
  var specification: Right.Specification { right.specification }

  /// Nothing: the bug is in a pass of the layer's own.
  func spoil(
    _ inputGradient: inout Tensor<Scalar>?, _ parameterGradients: inout [Tensor<Scalar>],
    _ pass: BackwardPass<Scalar>
  ) {}

  func makeSaved(for input: Shape) throws(LayerError) -> Right.Saved {
    try right.makeSaved(for: input)
  }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Right.Saved
  ) {
    right.forward(
      input, parameters: parameters, context: &context, output: &output, saved: &saved)
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Right.Saved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    let pass = BackwardPass(
      outputGradient: outputGradient, input: input, output: output, parameters: parameters,
      before: parameterGradients, accumulating: accumulating)
    right.backward(
      outputGradient: outputGradient, input: input, output: output, parameters: parameters,
      saved: saved, inputGradient: &inputGradient, parameterGradients: &parameterGradients,
      accumulating: accumulating)
    spoil(&inputGradient, &parameterGradients, pass)
  }
}

extension BackwardPass {
  /// Replaces a parameter's gradient by a wrong one, computed anew from zero, or adds it to what
  /// was there when that is asked for.
  func replace(
    _ number: Int, of gradients: inout [Tensor<Scalar>],
    by compute: (inout Tensor<Scalar>) -> Void
  ) {
    var gradient = Tensor<Scalar>(gradients[number].shape)
    compute(&gradient)
    if accumulating {
      for i in 0..<gradient.count { gradient[i] += before[number][i] }
    }
    gradients[number] = gradient
  }

  /// Replaces the input's gradient by a wrong one, computed anew from zero, if it is needed.
  func replace(
    _ inputGradient: inout Tensor<Scalar>?, by compute: (inout Tensor<Scalar>) -> Void
  ) {
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      compute(&gradient)
    }
  }
}
