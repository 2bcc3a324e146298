import Layers
import Tensors

/// The rectified linear unit, fast.
///
///     out = in where in ≥ 0, else slope·in
///
/// One pass through memory, which bounds its speed, over ranges that the threads share.
///
/// Twin: `Sources/Reference/ReLU.swift`. Source: Caffe's `relu_layer.cpp`.
public struct ReLU<Scalar: BLASScalar>: InPlaceLayer {
  /// What describes this layer.
  public let specification: ReLUSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: ReLUSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// ∂L/∂in = ∂L/∂out where in > 0, else slope·∂L/∂out: by the input, for any slope.
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
      backward(inPlace: &$0, output: input, saved: saved)
    }
  }

  /// Keeps what is positive.
  ///
  /// - Complexity: O(count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    inPlace data: inout Tensor<Scalar>, context: inout RunContext, saved: inout NothingSaved
  ) {
    let slope = Scalar(specification.negativeSlope)
    engine.change(&data) { data, range in
      // By way of other memory. Within one, there is nothing to store where x ≥ 0, and the compiler
      // makes a branch of that, on signs that no processor predicts.
      engine.lend(range.count, of: Scalar.self) { y in
        let x = data + range.lowerBound
        if slope == 0 {
          // NaN isn't less than 0, and stays. Of −∞, the product with 0 would make NaN.
          for i in 0..<range.count { y[i] = x[i] < 0 ? 0 : x[i] }  // ← in
        } else {
          for i in 0..<range.count { y[i] = x[i] < 0 ? slope * x[i] : x[i] }  // ← in
        }
        x.update(from: y, count: range.count)  // ← out
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
    engine.change(&gradient, with: output) { gradient, y, range in
      // ← ∂in ∂L/∂in, in, ∂L/∂out
      for i in range { gradient[i] = y[i] > 0 ? gradient[i] : slope * gradient[i] }
    }
  }
}
