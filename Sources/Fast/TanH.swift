import Layers
import Tensors

/// The hyperbolic tangent, fast.
///
///     out = tanh(in) = (e^in − e^−in)/(e^in + e^−in)
///
/// The tangent is the mathematics library's, which takes one number at a time: forwards it
/// is all of the time, over ranges that the threads share. Out of place the input is copied first: a
/// network may run it in place.
///
/// Twin: `Sources/Reference/TanH.swift`. Source: Caffe's `tanh_layer.cpp`.
public struct TanH<Scalar: BLASScalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: TanHSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: TanHSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// Squashes each value to between −1 and 1.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    output.copyElements(from: input)
    forward(inPlace: &output, context: &context, saved: &saved)
  }

  /// ∂L/∂in = ∂L/∂out · (1 − out²).
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
    inputGradient.update {
      $0.copyElements(from: outputGradient)
      backward(inPlace: &$0, output: output, saved: saved)
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
    let count = data.count
    data.withMutableMemory { x in
      engine.run(over: count) { range in
        for i in range { x[i] = .tanh(x[i]) }
      }
    }
  }

  /// As for `backward`, over the output's gradient: the slope follows from the output.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    require(gradient, output.count)
    output.withMemory { y in
      gradient.withMutableMemory { gradient in
        engine.run(over: output.count) { range in
          for i in range { gradient[i] *= 1 - y[i] * y[i] }
        }
      }
    }
  }
}
