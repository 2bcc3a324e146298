import Tensors

/// One version of a layer: a function of inputs and parameters, and its derivative.
///
/// Each backend holds one conforming type for every built-in specification. A layer of your own conforms
/// too; its specification makes it in `layer(on:)`, and so it runs in networks and is checked like the
/// built-in ones. A layer with one input conforms to `SingleInputLayer`.
///
/// The passes are given the memory to write into and allocate none of tensor size. They rely on
/// their arguments fitting together, as `outputShape(for:)` and `makeSaved(for:)` make them; the
/// throwing methods of `Layer` that return new tensors check this first.
public protocol Layer<Scalar>: Sendable {
  /// The number it computes with.
  associatedtype Scalar: Tensors.Scalar
  /// What describes it.
  associatedtype Specification: LayerSpecification
  /// What the forward pass keeps for the backward pass, beyond inputs and output.
  associatedtype Saved: Sendable

  /// What describes this layer.
  var specification: Specification { get }

  /// Memory for what a forward pass on these shapes keeps.
  ///
  /// - Complexity: O(size) in what is kept, which it allocates.
  func makeSaved(for inputs: [Shape]) throws(LayerError) -> Saved

  /// The algorithm that runs for inputs of these shapes, for example `im2col, GEMM`; `nil` where it
  /// is the formula and nothing else.
  ///
  /// - Complexity: O(rank) for each input.
  func algorithm(for inputs: [Shape]) -> String?

  /// y = f(x, θ): overwrites `output` and `saved`.
  ///
  /// - Parameters:
  ///   - inputs: x, one tensor for each input.
  ///   - parameters: θ, in the order of the specification.
  ///   - context: the phase, the random numbers, and the labels of a layer that takes some.
  ///   - output: overwritten with y.
  ///   - saved: overwritten.
  /// - Complexity: That of the layer, which says it for its own; a few operations for each product
  ///   or sum of its formula.
  func forward(
    _ inputs: [Tensor<Scalar>],
    parameters: [Tensor<Scalar>],
    context: inout RunContext,
    output: inout Tensor<Scalar>,
    saved: inout Saved)

  /// Given ∂L/∂y, computes ∂L/∂x and ∂L/∂θ at the point of the last forward pass.
  ///
  /// - Parameters:
  ///   - outputGradient: ∂L/∂y.
  ///   - inputs: x of the forward pass.
  ///   - output: y of the forward pass.
  ///   - parameters: θ of the forward pass.
  ///   - saved: what the forward pass kept.
  ///   - inputGradients: for each input, overwritten with ∂L/∂x; `nil` when nobody needs it.
  ///   - parameterGradients: overwritten with ∂L/∂θ, or increased by it. Those of state are left alone.
  ///   - accumulating: whether `parameterGradients` are increased.
  /// - Complexity: As a rule twice that of `forward` for a layer with parameters, one product for
  ///   either gradient, and once for one without.
  func backward(
    outputGradient: Tensor<Scalar>,
    inputs: [Tensor<Scalar>],
    output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>],
    saved: Saved,
    inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool)

  /// Brings the parameters that aren't learnt up to date with a forward pass: running means, for
  /// example. A network calls it after every forward pass in training, and nothing else changes them.
  ///
  /// - Complexity: O(state).
  func updateState(_ parameters: inout [Tensor<Scalar>], saved: Saved)
}

/// A layer with one input: the same requirements over one tensor.
public protocol SingleInputLayer<Scalar>: Layer where Specification: SingleInputSpecification {
  // Repeated, so that the compiler finds them in the passes over one tensor.
  /// The number it computes with.
  associatedtype Scalar
  /// What the forward pass keeps for the backward pass, beyond input and output.
  associatedtype Saved

  /// Memory for what a forward pass on this shape keeps.
  ///
  /// - Complexity: O(size) in what is kept, which it allocates.
  func makeSaved(for input: Shape) throws(LayerError) -> Saved

  /// The algorithm that runs for an input of this shape; `nil` where it is the formula and nothing
  /// else.
  ///
  /// - Complexity: O(rank).
  func algorithm(for input: Shape) -> String?

  /// y = f(x, θ): overwrites `output` and `saved`.
  ///
  /// - Complexity: As for `Layer`.
  func forward(
    _ input: Tensor<Scalar>,
    parameters: [Tensor<Scalar>],
    context: inout RunContext,
    output: inout Tensor<Scalar>,
    saved: inout Saved)

  /// Given ∂L/∂y, computes ∂L/∂x and ∂L/∂θ at the point of the last forward pass.
  ///
  /// - Parameters:
  ///   - outputGradient: ∂L/∂y.
  ///   - input: x of the forward pass.
  ///   - output: y of the forward pass.
  ///   - parameters: θ of the forward pass.
  ///   - saved: what the forward pass kept.
  ///   - inputGradient: overwritten with ∂L/∂x; `nil` when nobody needs it.
  ///   - parameterGradients: overwritten with ∂L/∂θ, or increased by it. Those of state are left alone.
  ///   - accumulating: whether `parameterGradients` are increased.
  /// - Complexity: As for `Layer`.
  func backward(
    outputGradient: Tensor<Scalar>,
    input: Tensor<Scalar>,
    output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>],
    saved: Saved,
    inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool)
}

/// A layer whose output may lie in the memory of its input, as Caffe's `in_place=True` has it, where its
/// specification names no obstacle.
public protocol InPlaceLayer<Scalar>: SingleInputLayer {
  /// Why this layer can't, or `nil` if it can: what its specification says, as a rule.
  var inPlaceObstacle: String? { get }

  /// Replaces x by f(x).
  ///
  /// - Complexity: That of `forward` out of place.
  func forward(inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout Saved)

  /// Replaces ∂L/∂y by ∂L/∂x. The input is gone: only y is left to decide by.
  ///
  /// - Complexity: That of `backward` out of place.
  func backward(inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: Saved)
}

extension InPlaceLayer {
  /// That of the specification.
  public var inPlaceObstacle: String? { specification.inPlaceObstacle }

  /// The pass in place, on a copy of the input.
  ///
  /// - Complexity: That of the pass in place, and O(count) for the copy.
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    output.copyElements(from: input)
    forward(inPlace: &output, context: &context, saved: &saved)
  }

  /// The pass in place, on a copy of the output's gradient. A layer that has to know its input has a
  /// pass of its own.
  ///
  /// - Complexity: That of the pass in place, and O(count) for the copy.
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update {
      $0.copyElements(from: outputGradient)
      backward(inPlace: &$0, output: output, saved: saved)
    }
  }
}

/// What a layer keeps that needs nothing beyond inputs and output for its backward pass.
public struct NothingSaved: Sendable {
  /// A value without content.
  public init() {}
}

extension Layer where Saved == NothingSaved {
  /// An empty value: the layer keeps nothing.
  public func makeSaved(for inputs: [Shape]) throws(LayerError) -> NothingSaved { NothingSaved() }
}

extension Layer {
  /// `nil`: the layer computes its formula, unless it names another algorithm.
  public func algorithm(for inputs: [Shape]) -> String? { nil }

  /// Does nothing, as the layer has no state.
  public func updateState(_ parameters: inout [Tensor<Scalar>], saved: Saved) {}
}

extension SingleInputLayer where Saved == NothingSaved {
  /// An empty value: the layer keeps nothing.
  public func makeSaved(for input: Shape) throws(LayerError) -> NothingSaved { NothingSaved() }

  /// An empty value: the layer keeps nothing.
  public func makeSaved(for inputs: [Shape]) throws(LayerError) -> NothingSaved { NothingSaved() }
}

// The requirements of `Layer`, met by those over one tensor. The specification has refused any other
// number of inputs before.
extension SingleInputLayer {
  /// `nil`: the layer computes its formula, unless it names another algorithm.
  public func algorithm(for input: Shape) -> String? { nil }

  /// The algorithm for the one input.
  ///
  /// - Complexity: O(rank).
  public func algorithm(for inputs: [Shape]) -> String? { algorithm(for: inputs[0]) }

  /// Memory for the one input.
  ///
  /// - Complexity: O(size) in what is kept, which it allocates.
  public func makeSaved(for inputs: [Shape]) throws(LayerError) -> Saved {
    try makeSaved(for: inputs[0])
  }

  /// The forward pass on the one input, which isn't copied.
  ///
  /// - Complexity: That of the pass over one tensor.
  public func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    forward(
      inputs[0], parameters: parameters, context: &context, output: &output, saved: &saved)
  }

  /// The backward pass on the one input; no tensor is copied.
  ///
  /// - Complexity: That of the pass over one tensor.
  public func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    backward(
      outputGradient: outputGradient, input: inputs[0], output: output, parameters: parameters,
      saved: saved, inputGradient: &inputGradients[0], parameterGradients: &parameterGradients,
      accumulating: accumulating)
  }
}
