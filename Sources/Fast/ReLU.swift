import Layers
import Tensors

/// The rectified linear unit, fast.
///
/// A branch-free select that the compiler turns into vectors, over pieces that the threads share:
/// parts of 0..<count, of the count that all tensors of a pass have. It is bound by memory: what helps
/// most is not to run it, see `ReLUFusing`.
///
/// Twin: `Sources/Reference/ReLU.swift`. Source: Caffe's `relu_layer.cpp`.
public struct ReLU<Scalar: FastScalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: ReLUSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: ReLUSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// Keeps what is positive.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let slope = Scalar(specification.negativeSlope)
    let pieces = Partition(input.count, partsOfAtMost: Vectors.pieceCount)
    require(output, input.count)
    input.withMemory { x in
      output.withMutableMemory { y in
        engine.run(pieces.parts) { piece in
          let start = pieces[piece].lowerBound
          (y + start).rectify(x + start, slope: slope, pieces[piece].count)
        }
      }
    }
  }

  /// ∂L/∂in = ∂L/∂out where in > 0, else slope·∂L/∂out.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let slope = Scalar(specification.negativeSlope)
    let pieces = Partition(input.count, partsOfAtMost: Vectors.pieceCount)
    require(outputGradient, input.count)
    if let inputGradient { require(inputGradient, input.count) }
    inputGradient.update { gradient in
      outputGradient.withMemory { dy in
        input.withMemory { x in
          gradient.withMutableMemory { dx in
            engine.run(pieces.parts) { piece in
              let (start, count) = (pieces[piece].lowerBound, pieces[piece].count)
              (dx + start).backRectify(dy + start, signs: x + start, slope: slope, count)
            }
          }
        }
      }
    }
  }

  /// As for `forward`, over the input.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    let slope = Scalar(specification.negativeSlope)
    let pieces = Partition(data.count, partsOfAtMost: Vectors.pieceCount)
    data.withMutableMemory { data in
      engine.run(pieces.parts) { piece in
        let part = data + pieces[piece].lowerBound
        part.rectify(part, slope: slope, pieces[piece].count)
      }
    }
  }

  /// out > 0 exactly where in > 0, so the output tells as much as the input did.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    let slope = Scalar(specification.negativeSlope)
    let pieces = Partition(output.count, partsOfAtMost: Vectors.pieceCount)
    require(gradient, output.count)
    output.withMemory { y in
      gradient.withMutableMemory { gradient in
        engine.run(pieces.parts) { piece in
          let start = pieces[piece].lowerBound
          let part = gradient + start
          part.backRectify(part, signs: y + start, slope: slope, pieces[piece].count)
        }
      }
    }
  }
}
