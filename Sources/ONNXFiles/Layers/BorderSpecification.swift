import Layers
import Tensors

/// Rows and columns of zeros around each image, not the same number on all sides: what a convolution that
/// pads unevenly does first.
public struct BorderSpecification: SingleInputSpecification {
  /// `Pad`.
  public static let typeName = "Pad"

  /// The rows above and columns to the left.
  public var before: Extent
  /// The rows below and columns to the right.
  public var after: Extent

  /// A border.
  public init(before: Extent, after: Extent) {
    self.before = before
    self.after = after
  }

  /// Images of more rows and columns.
  ///
  /// - Complexity: O(1).
  public func outputShape(for input: Shape) throws(LayerError) -> Shape {
    let sizes = [before.height, before.width, after.height, after.width]
    guard input.rank == 4, sizes.allSatisfy({ (0...Int(Int32.max)).contains($0) }) else {
      throw LayerError(
        layer: Self.typeName, value: "border \(sizes) of \(input)",
        rule: "must be of images, with sizes from 0 to 2^31 - 1")
    }
    do {
      return try Shape(checking: [
        input.images, input.channels, input.height + before.height + after.height,
        input.width + before.width + after.width,
      ])
    } catch {
      throw LayerError(layer: Self.typeName, value: "output", rule: "is impossible: \(error)")
    }
  }

  /// Row by row.
  ///
  /// - Complexity: O(1).
  public func layer<S>(on backend: some Backend<S>) -> any Layer<S> {
    Border<S>(specification: self)
  }

  /// No: both passes copy.
  public var backwardReadsOutput: Bool { false }
}

/// Rows copied into a greater image, and back.
struct Border<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification: BorderSpecification

  /// Calls with the first places of each row in the input and in the output.
  private func forEachRow(_ input: Shape, _ output: Shape, _ body: (Int, Int) -> Void) {
    let before = specification.before
    for plane in 0..<input.images * input.channels {
      for y in 0..<input.height {
        body(
          (plane * input.height + y) * input.width,
          (plane * output.height + y + before.height) * output.width + before.width)
      }
    }
  }

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    output.fill(with: 0)
    forEachRow(input.shape, output.shape) { from, to in
      for x in 0..<input.shape.width { output.elements[to + x] = input.elements[from + x] }
    }
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradient: inout Tensor<Scalar>?,
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    inputGradient.update { gradient in
      forEachRow(input.shape, output.shape) { from, to in
        for x in 0..<input.shape.width {
          gradient.elements[from + x] = outputGradient.elements[to + x]
        }
      }
    }
  }
}
