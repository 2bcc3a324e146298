import Layers
import Tensors

/// Average pooling to an output of given size, fast: the planes (image × channel) are the pieces that the
/// threads share.
///
/// Twin: `Sources/Reference/AdaptiveAveragePooling.swift`. Source: PyTorch's `AdaptiveAvgPool2d`.
public struct AdaptiveAveragePooling<Scalar: BLASScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: AdaptiveAveragePoolingSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: AdaptiveAveragePoolingSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// Takes each window's average.
  ///
  /// - Complexity: O(N·C·H'·W'·I·J) for windows of I×J, over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    let windows = windows(input.shape, output.shape)
    input.withMemory { input in
      output.withMutableMemory { output in
        // A plane of the input is H×W, one of the output H'×W'.
        engine.run(windows.planes) { plane in
          let (x, y) = (input + plane * windows.plane, output + plane * windows.outputs)
          windows.forEach { position, rows, columns in
            var sum: Scalar = 0
            for row in rows {
              for column in columns { sum += x[row * windows.width + column] }
            }
            y[position] = sum / Scalar(rows.count * columns.count)
          }
        }
      }
    }
  }

  /// ∂L/∂in += ∂L/∂out / area, for each element of the window.
  ///
  /// - Complexity: O(N·C·(H·W + H'·W'·I·J)) for windows of I×J, over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let windows = windows(input.shape, outputGradient.shape)
    if let inputGradient { require(inputGradient, input.count) }
    inputGradient.update { gradient in
      outputGradient.withMemory { upstream in
        gradient.withMutableMemory { gradient in
          // As for `forward`.
          engine.run(windows.planes) { plane in
            let (dy, dx) = (upstream + plane * windows.outputs, gradient + plane * windows.plane)
            dx.fill(windows.plane, with: 0)
            windows.forEach { position, rows, columns in
              let share = dy[position] / Scalar(rows.count * columns.count)
              for row in rows {
                for column in columns { dx[row * windows.width + column] += share }
              }
            }
          }
        }
      }
    }
  }

  /// Where the windows lie; stops the program unless the output belongs to the input.
  private func windows(_ input: Shape, _ output: Shape) -> AdaptiveWindows {
    precondition(
      (try? specification.outputShape(for: input)) == output,
      "an output of shape \(output) doesn't belong to an input of shape \(input)")
    func all(_ count: Int, _ size: Int) -> [Range<Int>] {
      (0..<count).map { AdaptiveAveragePoolingSpecification.window($0, of: count, size: size) }
    }
    return AdaptiveWindows(
      planes: input.images * input.channels, width: input.width,
      plane: input.height * input.width, rows: all(output.height, input.height),
      columns: all(output.width, input.width))
  }
}

/// Where the windows lie on a plane of the input.
private struct AdaptiveWindows {
  let planes, width, plane: Int
  /// The rows of each row of the output, and the columns of each column.
  let rows, columns: [Range<Int>]

  var outputs: Int { rows.count * columns.count }

  @inline(__always)
  func forEach(_ body: (_ position: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> Void) {
    for (y, rows) in rows.enumerated() {
      for (x, columns) in columns.enumerated() { body(y * self.columns.count + x, rows, columns) }
    }
  }
}
