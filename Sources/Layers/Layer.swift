import Tensors

/// One version of a layer: a function of an input and parameters, and its derivative.
///
/// Reference and Fast hold one conforming type each for every specification. A layer of your own
/// conforms too, and then runs in networks and can be checked like the built-in ones.
///
/// The passes are given the memory to write into and allocate none of tensor size. They rely on
/// their arguments fitting together, as `outputShape(for:)` and `makeSaved(for:)` make them; the
/// throwing methods of `Layer` that return new tensors check this first.
public protocol Layer<Scalar>: Sendable {
  /// The number it computes with.
  associatedtype Scalar: Tensors.Scalar
  /// What describes it.
  associatedtype Specification: LayerSpecification
  /// What the forward pass keeps for the backward pass, beyond input and output.
  associatedtype Saved: Sendable

  /// What describes this layer.
  var specification: Specification { get }

  /// Where its code is, for those who want to read it.
  static var source: SourceLocation? { get }

  /// Memory for what a forward pass on this shape keeps.
  ///
  /// - Complexity: O(size) in what is kept, which it allocates.
  func makeSaved(for input: Shape) throws(LayerError) -> Saved

  /// The algorithm that runs for an input of this shape, for example `im2col, GEMM`; `nil` where it
  /// is the formula and nothing else.
  func algorithm(for input: Shape) -> String?

  /// y = f(x, θ): overwrites `output` and `saved`.
  ///
  /// - Complexity: That of the layer, which says it for its own; a few operations for each product
  ///   or sum of its formula.
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
  ///   - parameterGradients: overwritten with ∂L/∂θ, or increased by it.
  ///   - accumulating: whether `parameterGradients` are increased.
  /// - Complexity: As a rule twice that of `forward` for a layer with parameters, one product for
  ///   either gradient, and once for one without.
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

/// A layer whose output may lie in the memory of its input, as Caffe's `in_place=True` has it.
public protocol InPlaceLayer<Scalar>: Layer {
  /// Why this specification doesn't allow it, or `nil` if it does.
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
  /// None.
  public var inPlaceObstacle: String? { nil }
}

/// What a layer keeps that needs nothing beyond input and output for its backward pass.
public struct NothingSaved: Sendable {
  /// Nothing.
  public init() {}
}

extension Layer where Saved == NothingSaved {
  /// Nothing.
  public func makeSaved(for input: Shape) throws(LayerError) -> NothingSaved { NothingSaved() }
}

extension Layer {
  /// Unknown.
  public static var source: SourceLocation? { nil }

  /// The formula.
  public func algorithm(for input: Shape) -> String? { nil }
}

/// A place in the package's source.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
  /// The path from the package's root, for example `Sources/Reference/LRN.swift`.
  public let file: String
  /// The line, counted from 1.
  public let line: Int

  /// The place of the caller.
  public static func here(fileID: String = #fileID, line: Int = #line) -> SourceLocation {
    SourceLocation(file: "Sources/" + fileID, line: line)
  }

  /// `file:line`.
  public var description: String { "\(file):\(line)" }
}
