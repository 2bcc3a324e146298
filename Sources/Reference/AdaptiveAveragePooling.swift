import Layers
import Tensors

/// Average pooling to an output of given size.
///
///     out[y, x] = Σ in[i, j] / area   over rows ⌊y·H/H'⌋ ..< ⌈(y+1)·H/H'⌉, columns likewise
///
/// Twin: `Sources/Fast/AdaptiveAveragePooling.swift`. Source: PyTorch's `AdaptiveAvgPool2d`.
public struct AdaptiveAveragePooling<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: AdaptiveAveragePoolingSpecification

  /// The naive version of a specification.
  public init(_ specification: AdaptiveAveragePoolingSpecification) {
    self.specification = specification
  }

  /// Takes each window's average.
  ///
  /// - Complexity: O(N·C·H'·W'·I·J) additions for windows of I×J.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    forEachWindow(input.shape, output.shape) { position, inputs in
      var sum: Scalar = 0
      for i in inputs { sum += input[i] }
      output[position] = sum / Scalar(Double(inputs.count))
    }
  }

  /// ∂L/∂in += ∂L/∂out / area, for each position of the window.
  ///
  /// - Complexity: O(N·C·(H·W + H'·W'·I·J)) for windows of I×J.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      forEachWindow(input.shape, output.shape) { position, inputs in
        let share = outputGradient[position] / Scalar(Double(inputs.count))
        for i in inputs { gradient[i] += share }
      }
    }
  }

  /// Calls `body` with each position of the output and those of its window, in row-major order.
  private func forEachWindow(_ input: Shape, _ output: Shape, _ body: (Int, [Int]) -> Void) {
    typealias Specification = AdaptiveAveragePoolingSpecification
    var position = 0
    for plane in 0..<output.images * output.channels {
      for y in 0..<output.height {
        let rows = Specification.window(y, of: output.height, size: input.height)
        for x in 0..<output.width {
          let columns = Specification.window(x, of: output.width, size: input.width)
          body(
            position,
            rows.flatMap { row in
              columns.map { (plane * input.height + row) * input.width + $0 }
            })
          position += 1
        }
      }
    }
  }
}
