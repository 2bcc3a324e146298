import Layers
import Tensors

/// The logistic sigmoid, fast.
///
///     out = 1/(1 + e^−in) = ½·tanh(½·in) + ½
///
/// The hyperbolic tangent is the mathematics library's, which takes one number at a time: forwards it
/// is all of the time, over ranges that the threads share.
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

  /// Squashes each value to between 0 and 1.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    let half = Scalar(0.5)
    engine.change(&data) { x, range in
      for i in range { x[i] = half * .tanh(half * x[i]) + half }
    }
  }

  /// ∂L/∂in = ∂L/∂out · out·(1 − out): the slope follows from the output.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    engine.change(&gradient, with: output) { gradient, y, range in
      for i in range { gradient[i] *= y[i] * (1 - y[i]) }
    }
  }
}
