import Layers
import Tensors

/// The same numbers in another shape, or in the same: ONNX's Reshape, Flatten and Identity.
public struct ViewSpecification: SingleInputSpecification {
  /// `Reshape`.
  public static let typeName = "Reshape"

  /// How the output's shape follows from the input's.
  public enum Rule: Hashable, Sendable {
    /// It is the same.
    case identity
    /// Two axes: those before one, and the rest.
    case flatten(axis: Int)
    /// These extents, of which one may be −1, that is, what is left. 0 copies the input's, if it does.
    case reshape([Int], zeroCopies: Bool)
  }

  /// How the output's shape follows from the input's.
  public var rule: Rule

  /// A view.
  public init(_ rule: Rule) { self.rule = rule }

  /// As many numbers as the input has.
  ///
  /// - Complexity: O(rank).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    func fail(_ value: String, _ rule: String) -> LayerError {
      LayerError(layer: Self.typeName, value: value, rule: rule)
    }
    let extents: [Int]
    switch rule {
    case .identity: return input
    case .flatten(let axis):
      guard (0...input.rank).contains(axis) else {
        throw fail("axis \(axis)", "must be one of the input \(input)")
      }
      // Products of parts of a shape that is valid.
      extents = [
        input.dimensions.prefix(axis).reduce(1, *), input.dimensions.dropFirst(axis).reduce(1, *),
      ]
    case .reshape(let wanted, let zeroCopies):
      extents = try Self.extents(wanted, zeroCopies: zeroCopies, of: input)
    }
    let output: Shape
    do {
      output = try Shape(checking: extents)
    } catch {
      throw fail("output", "is impossible: \(error)")
    }
    guard output.count == input.count else {
      throw fail(
        "\(output.count) numbers (\(output))",
        "can't be made of \(input.count) (\(input))")
    }
    return output
  }

  private static func extents(
    _ wanted: [Int], zeroCopies: Bool, of input: Shape
  ) throws(LayerError) -> [Int] {
    func fail(_ rule: String) -> LayerError {
      LayerError(layer: typeName, value: "shape \(wanted)", rule: rule)
    }
    var extents = wanted
    let open = extents.indices.filter { extents[$0] == -1 }
    guard open.count <= 1 else { throw fail("leaves \(open.count) axes open; one can be -1") }
    for axis in extents.indices where extents[axis] == 0 && zeroCopies {
      guard axis < input.rank else { throw fail("copies axis \(axis), which \(input) lacks") }
      extents[axis] = input[axis]
    }
    guard let axis = open.first else { return extents }
    var known = 1
    for extent in extents where extent != -1 {
      let (product, overflow) = known.multipliedReportingOverflow(by: extent)
      known = overflow ? 0 : product
    }
    guard known > 0, input.count.isMultiple(of: known) else {
      throw fail("can't be made of the \(input.count) numbers of \(input)")
    }
    extents[axis] = input.count / known
    return extents
  }

  /// A copy.
  ///
  /// - Complexity: O(1).
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> { View<S>(specification: self) }

  /// No: both passes copy.
  public var backwardReadsOutput: Bool { false }
}

/// The numbers copied, there and back.
struct View<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification: ViewSpecification

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    output.copyElements(from: input)
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { $0.copyElements(from: outputGradient) }
  }
}
