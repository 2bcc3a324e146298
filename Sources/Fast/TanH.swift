import Layers
import Tensors

/// The hyperbolic tangent, fast.
///
///     out = tanh(in) = (e^in − e^−in)/(e^in + e^−in)
///
/// The tangent is the mathematics library's, which takes one number at a time: forwards it
/// is all of the time, over ranges that the threads share.
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

  /// Squashes each value to between −1 and 1.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    engine.change(&data) { x, range in
      for i in range { x[i] = .tanh(x[i]) }
    }
  }

  /// ∂L/∂in = ∂L/∂out · (1 − out²): the slope follows from the output.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    inPlace gradient: inout Tensor<Scalar>, output: Tensor<Scalar>, saved: NothingSaved
  ) {
    engine.change(&gradient, with: output) { gradient, y, range in
      for i in range { gradient[i] *= 1 - y[i] * y[i] }
    }
  }
}
