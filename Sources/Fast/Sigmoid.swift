import Layers
import Tensors

/// The logistic sigmoid, fast.
///
///     out = 1/(1 + e^−in) = ½·tanh(½·in) + ½
///
/// The hyperbolic tangent is the mathematics library's, which takes one number at a time: forwards it
/// is all of the time, over ranges that the threads share. Out of place the input is copied first: a
/// network may run it in place.
///
/// Twin: `Sources/Reference/Sigmoid.swift`. Source: Caffe's `sigmoid_layer.cpp`.
public struct Sigmoid<Scalar: BLASScalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: SigmoidSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: SigmoidSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// Squashes each value to between 0 and 1.
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

  /// ∂L/∂in = ∂L/∂out · out·(1 − out).
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
    let half = Scalar(0.5)
    let count = data.count
    data.withMutableMemory { x in
      engine.run(over: count) { range in
        for i in range { x[i] = half * .tanh(half * x[i]) + half }
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
          for i in range { gradient[i] *= y[i] * (1 - y[i]) }
        }
      }
    }
  }
}
