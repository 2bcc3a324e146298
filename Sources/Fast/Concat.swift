import Layers
import Tensors

/// The inputs one behind the other along an axis, fast.
///
/// A row of an input, all that lies behind one index of the axes before, is contiguous in the input and
/// in the output: it is copied as a whole. The threads share the rows.
///
/// Twin: `Sources/Reference/Concat.swift`. Source: Caffe's `concat_layer.cpp`.
public struct Concat<Scalar: BLASScalar>: Layer {
  /// What describes this layer.
  public let specification: ConcatSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: ConcatSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// Copies each input to its place.
  ///
  /// - Complexity: O(count) of the output, over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let width = requiredColumns(inputs, output.shape)
    var offset = 0
    for input in inputs {
      let (columns, start) = (columns(input.shape), offset)
      input.withMemory { x in
        output.withMutableMemory { y in
          engine.run(input.count / columns) { row in
            (y + row * width + start).update(from: x + row * columns, count: columns)
          }
        }
      }
      offset += columns
    }
  }

  /// Each input's gradient is its part of the output's.
  ///
  /// - Complexity: O(count) of the output, over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    let width = requiredColumns(inputs, outputGradient.shape)
    require(inputGradients.count == inputs.count, "each input needs room for its gradient")
    var offset = 0
    for (k, input) in inputs.enumerated() {
      let (columns, start) = (columns(input.shape), offset)
      if let gradient = inputGradients[k] { require(gradient, input.count) }
      inputGradients[k].update { gradient in
        outputGradient.withMemory { dy in
          gradient.withMutableMemory { dx in
            engine.run(input.count / columns) { row in
              (dx + row * columns).update(from: dy + row * width + start, count: columns)
            }
          }
        }
      }
      offset += columns
    }
  }

  /// The elements of the axis and of those behind it.
  private func columns(_ shape: Shape) -> Int {
    shape.dimensions[specification.axis...].reduce(1, *)
  }

  /// The columns of the output; stops the program unless the inputs fill it.
  private func requiredColumns(_ inputs: [Tensor<Scalar>], _ output: Shape) -> Int {
    require(
      (try? specification.outputShape(for: inputs.map(\.shape))) == output,
      "an output of shape \(output) doesn't belong to inputs of shapes \(inputs.map(\.shape))")
    return columns(output)
  }
}
