import Layers
import Tensors

/// Sum, product or maximum of several inputs, element by element, fast.
///
/// One input after the other is added to the output, or multiplied or compared with it, range by range,
/// so that the output's range stays in a core's cache meanwhile. The threads share the ranges.
///
/// Twin: `Sources/Reference/Eltwise.swift`. Source: Caffe's `eltwise_layer.cpp`.
public struct Eltwise<Scalar: BLASScalar>: Layer {
  /// What describes this layer.
  public let specification: EltwiseSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: EltwiseSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// For each output of a maximum, the number of the input that it was taken from.
  public struct Saved: Sendable, Equatable {
    /// The numbers of the inputs; none for a sum or a product.
    public var maxInputs: [Int32]
  }

  /// Memory for where the maxima are from.
  ///
  /// - Complexity: O(count), allocating 4 bytes for each output of a maximum.
  public func makeSaved(for inputs: [Shape]) throws(LayerError) -> Saved {
    let isMaximum = specification.operation == .maximum
    return Saved(maxInputs: [Int32](repeating: 0, count: isMaximum ? inputs[0].count : 0))
  }

  /// Adds, multiplies, or takes the greatest.
  ///
  /// - Complexity: O(inputs·count) over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    requireFit(inputs, output, saved)
    let coefficients = inputs.indices.map { Scalar(specification.coefficient($0)) }
    let operation = specification.operation
    withMemory(of: inputs) { x in
      output.withMutableMemory { y in
        saved.maxInputs.withUnsafeMutableBufferPointer { from in
          engine.run(over: inputs[0].count) { range in
            switch operation {
            case .sum:
              for i in range { y[i] = coefficients[0] * x[0][i] }
              for (coefficient, x) in zip(coefficients, x).dropFirst() {
                for i in range { y[i] += coefficient * x[i] }
              }
            case .product:
              for i in range { y[i] = x[0][i] * x[1][i] }
              for x in x.dropFirst(2) {
                for i in range { y[i] *= x[i] }
              }
            case .maximum:
              for i in range {
                let isFirst = x[0][i] > x[1][i]
                y[i] = isFirst ? x[0][i] : x[1][i]
                from[i] = isFirst ? 0 : 1
              }
              for k in 2..<x.count {
                for i in range where x[k][i] > y[i] {
                  y[i] = x[k][i]
                  from[i] = Int32(truncatingIfNeeded: k)
                }
              }
            }
          }
        }
      }
    }
  }

  /// The gradient by an input is that of the output times the coefficient of a sum, times the other
  /// factors of a product, or where the maximum is from, 0 elsewhere.
  ///
  /// - Complexity: O(inputs·count), or O(inputs²·count) for a product whose gradient is stable, over the
  ///   engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    requireFit(inputs, outputGradient, saved)
    require(output, outputGradient.count)
    require(inputGradients.count == inputs.count, "each input needs room for its gradient")
    let count = outputGradient.count
    withMemory(of: inputs + [outputGradient, output]) { tensors in
      let (x, dy, y) = (tensors.dropLast(2), tensors[inputs.count], tensors[inputs.count + 1])
      for k in inputs.indices {
        let coefficient = Scalar(specification.coefficient(k))
        if let gradient = inputGradients[k] { require(gradient, count) }
        inputGradients[k].withMutableMemory { dx in
          guard let dx else { return }
          engine.run(over: count) { range in
            switch specification.operation {
            case .sum:
              for i in range { dx[i] = coefficient * dy[i] }
            case .product where specification.hasStableProductGradient:
              for i in range { dx[i] = 1 }
              for other in x.indices where other != k {
                let factor = x[other]
                for i in range { dx[i] *= factor[i] }
              }
              for i in range { dx[i] *= dy[i] }
            case .product:
              let x = x[k]
              for i in range { dx[i] = y[i] / x[i] * dy[i] }
            case .maximum:
              for i in range { dx[i] = saved.maxInputs[i] == k ? dy[i] : 0 }
            }
          }
        }
      }
    }
  }

  /// Stops the program unless the tensors of a pass have one size, and there is room for what is kept.
  private func requireFit(_ inputs: [Tensor<Scalar>], _ output: Tensor<Scalar>, _ saved: Saved) {
    require(
      (try? specification.outputShape(for: inputs.map(\.shape))) == output.shape,
      "an output of shape \(output.shape) doesn't belong to inputs of shapes "
        + "\(inputs.map(\.shape))")
    let kept = specification.operation == .maximum ? output.count : 0
    require(
      saved.maxInputs.count == kept, "\(saved.maxInputs.count) numbers for \(kept) maxima")
  }
}
