import Layers
import Tensors

/// Sum, product or maximum of several inputs, element by element.
///
///     sum:      out = Σ c[k]·in[k]
///     product:  out = Π in[k]
///     maximum:  out = max in[k]; of equal ones in[1] wins before in[0], which wins before in[2], in[3], …
///
/// Twin: `Sources/Fast/Eltwise.swift`. Source: Caffe's `eltwise_layer.cpp`.
public struct Eltwise<Scalar: Tensors.Scalar>: Layer {
  /// What describes this layer.
  public let specification: EltwiseSpecification

  /// The naive version of a specification.
  public init(_ specification: EltwiseSpecification) {
    self.specification = specification
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
  /// - Complexity: O(inputs·count).
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ inputs: [Tensor<Scalar>], parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    let coefficients = inputs.indices.map { Scalar(specification.coefficient($0)) }
    for i in 0..<output.count {
      switch specification.operation {
      case .sum:
        var sum: Scalar = 0
        for k in inputs.indices { sum += coefficients[k] * inputs[k][i] }
        output[i] = sum
      case .product:
        var product = inputs[0][i]
        for k in 1..<inputs.count { product *= inputs[k][i] }
        output[i] = product
      case .maximum:
        var best = inputs[0][i] > inputs[1][i] ? 0 : 1
        for k in 2..<max(inputs.count, 2) where inputs[k][i] > inputs[best][i] { best = k }
        output[i] = inputs[best][i]
        saved.maxInputs[i] = Int32(best)
      }
    }
  }

  /// The gradient by an input is that of the output times the coefficient of a sum, times the other
  /// factors of a product, or where the maximum is from, 0 elsewhere.
  ///
  /// - Complexity: O(inputs·count); O(inputs²·count) for a product whose gradient is stable.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, inputs: [Tensor<Scalar>], output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved, inputGradients: inout [Tensor<Scalar>?],
    parameterGradients: inout [Tensor<Scalar>], accumulating: Bool
  ) {
    for k in inputs.indices {
      let coefficient = Scalar(specification.coefficient(k))
      inputGradients[k].update { gradient in
        for i in 0..<outputGradient.count {
          switch specification.operation {
          case .sum:
            gradient[i] = coefficient * outputGradient[i]
          case .product:
            gradient[i] = others(k, i, inputs, output) * outputGradient[i]
          case .maximum:
            gradient[i] = saved.maxInputs[i] == k ? outputGradient[i] : 0
          }
        }
      }
    }
  }

  /// The product of all inputs but one.
  private func others(
    _ k: Int, _ i: Int, _ inputs: [Tensor<Scalar>], _ output: Tensor<Scalar>
  ) -> Scalar {
    guard specification.hasStableProductGradient else { return output[i] / inputs[k][i] }
    var product: Scalar = 1
    for other in inputs.indices where other != k { product *= inputs[other][i] }
    return product
  }
}
