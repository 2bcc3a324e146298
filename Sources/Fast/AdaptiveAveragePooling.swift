import Layers
import Tensors

/// Average pooling to an output of given size, fast, over windows as in `Pooling.swift`.
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
    input.withMemory { x in
      output.withMutableMemory { y in
        // A plane of the input is H×W, one of the output H'×W'.
        engine.run(windows.planes) { plane in
          windows.average(of: x + plane * windows.plane, into: y + plane * windows.outputs)
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
    outputGradient.withMemory { dy in
      inputGradient?.withMutableMemory { dx in
        engine.run(windows.planes) { plane in
          let dx = dx + plane * windows.plane
          dx.fill(windows.plane, with: 0)
          windows.share(dy + plane * windows.outputs, among: dx)
        }
      }
    }
  }

  /// Where the windows lie; stops the program unless the output belongs to the input.
  private func windows(_ input: Shape, _ output: Shape) -> PoolingWindows {
    require(
      (try? specification.outputShape(for: input)) == output,
      "an output of shape \(output) doesn't belong to an input of shape \(input)")
    func sides(_ count: Int, _ size: Int) -> [PoolingWindows.Side] {
      (0..<count).map { i in
        let window = AdaptiveAveragePoolingSpecification.window(i, of: count, size: size)
        return (window, window.count)
      }
    }
    return PoolingWindows(
      input, rows: sides(output.height, input.height), columns: sides(output.width, input.width))
  }
}
