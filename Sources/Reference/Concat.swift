import Layers
import Tensors

/// The inputs one behind the other along an axis.
///
/// With the axes before that axis taken as one (rows), and the axis and those behind it as another
/// (columns), every tensor is a matrix, and the matrices stand side by side:
///
///     out[row, offset of input k + column] = in[k][row, column]
///
/// Twin: `Sources/Fast/Concat.swift`. Source: Caffe's `concat_layer.cpp`.
public struct Concat<Scalar: Tensors.Scalar>: Layer {
  /// What describes this layer.
  public let specification: ConcatSpecification

  /// The naive version of a specification.
  public init(_ specification: ConcatSpecification) {
    self.specification = specification
  }

  /// Copies each input to its place.
  ///
  /// - Complexity: O(count) of the output.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let width = columns(output.shape)
    var offset = 0
    for input in inputs {
      let columns = columns(input.shape)
      for i in 0..<input.count {
        output[i / columns * width + offset + i % columns] = input[i]
      }
      offset += columns
    }
  }

  /// Each input's gradient is its part of the output's.
  ///
  /// - Complexity: O(count) of the output.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    let width = columns(output.shape)
    var offset = 0
    for (k, input) in inputs.enumerated() {
      let columns = columns(input.shape)
      inputGradients[k].update { gradient in
        for i in 0..<input.count {
          gradient[i] = outputGradient[i / columns * width + offset + i % columns]
        }
      }
      offset += columns
    }
  }

  /// The elements of the axis and of those behind it.
  private func columns(_ shape: Shape) -> Int {
    shape.dimensions[specification.axis...].reduce(1, *)
  }
}
