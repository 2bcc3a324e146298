import Layers
import RealModule
import Tensors

/// Pooling: the maximum or the average of each window.
///
/// A window is `rows` × `columns` of the input, clipped to the border.
///
///     maximum:  out = max over the window; the first of equal values in row-major order wins
///     average:  out = Σ over the window / area, the area including the padding it covers
///
/// Twin: `Sources/Fast/Pooling.swift`. Source: Caffe's `pooling_layer.cpp`.
public struct Pooling<Scalar: Tensors.Scalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: PoolingSpecification

  /// The naive version of a specification.
  public init(_ specification: PoolingSpecification) {
    self.specification = specification
  }

  /// For each output value, the row-major position in its input channel of the maximum; −1 for a
  /// window of nothing but NaN. Empty for an average.
  public struct Saved: Sendable, Equatable {
    /// The positions.
    public var maxPositions: [Int32]
  }

  /// Memory for the positions of the maxima.
  ///
  /// - Complexity: O(N·C·H'·W'), allocating 4 bytes for each output of a maximum.
  public func makeSaved(for input: Shape) throws(LayerError) -> Saved {
    let count = try specification.outputShape(for: input).count
    let isMaximum = specification.method == .maximum
    return Saved(maxPositions: [Int32](repeating: -1, count: isMaximum ? count : 0))
  }

  /// Takes each window's maximum or average.
  ///
  /// - Complexity: O(N·C·H'·W'·I·J) comparisons or additions for windows of I×J.
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    switch specification.method {
    case .maximum: forwardMaximum(input, &output, &saved)
    case .average: forwardAverage(input, &output)
    }
  }

  /// Passes each output's gradient to its maximum, or in equal shares to its window.
  ///
  /// - Complexity: O(N·C·(H·W + H'·W')) for the maximum, O(N·C·(H·W + H'·W'·I·J)) for the average.
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    inputGradient.update { gradient in
      gradient.fill(with: 0)
      switch specification.method {
      case .maximum: backwardMaximum(outputGradient, saved, &gradient)
      case .average: backwardAverage(outputGradient, &gradient)
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  private func forwardMaximum(
    _ input: Tensor<Scalar>, _ output: inout Tensor<Scalar>, _ saved: inout Saved
  ) {
    let windows = Windows(specification, input: input.shape, output: output.shape)
    var position = 0
    for plane in 0..<windows.planes {
      let start = plane * windows.planeCount
      for y in 0..<windows.outputHeight {
        let rows = windows.rows(at: y)
        for x in 0..<windows.outputWidth {
          var best = Scalar(-Double(Float.greatestFiniteMagnitude))
          var bestPosition = -1
          for row in rows.onInput {  // ← max_i
            for column in windows.columns(at: x).onInput {
              let candidate = row * windows.inputWidth + column
              if input[start + candidate] > best {  // ← in
                best = input[start + candidate]
                bestPosition = candidate
              }
            }
          }
          output[position] = best  // ← out
          saved.maxPositions[position] = Int32(bestPosition)
          position += 1
        }
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  private func forwardAverage(_ input: Tensor<Scalar>, _ output: inout Tensor<Scalar>) {
    let windows = Windows(specification, input: input.shape, output: output.shape)
    var position = 0
    for plane in 0..<windows.planes {
      let start = plane * windows.planeCount
      for y in 0..<windows.outputHeight {
        let rows = windows.rows(at: y)
        for x in 0..<windows.outputWidth {
          let columns = windows.columns(at: x)
          var sum: Scalar = 0
          for row in rows.onInput {  // ← Σ_i
            for column in columns.onInput {  // ← Σ_j
              sum += input[start + row * windows.inputWidth + column]  // ← in
            }
          }
          output[position] = sum / Scalar(Double(rows.extent * columns.extent))  // ← out
          position += 1
        }
      }
    }
  }

  /// ∂L/∂in[position of the maximum] += ∂L/∂out: overlapping windows may share a maximum.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  private func backwardMaximum(
    _ outputGradient: Tensor<Scalar>, _ saved: Saved, _ gradient: inout Tensor<Scalar>
  ) {
    let windows = Windows(specification, input: gradient.shape, output: outputGradient.shape)
    let outputs = windows.outputHeight * windows.outputWidth
    for position in 0..<outputGradient.count where saved.maxPositions[position] >= 0 {  // ← ∂in at
      let start = position / outputs * windows.planeCount
      // ← ∂in ∂L/∂in, ∂L/∂out
      gradient[start + Int(saved.maxPositions[position])] += outputGradient[position]
    }
  }

  /// ∂L/∂in += ∂L/∂out / area, for each position of the window.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  @specialized(where Scalar == Dual<Double>)
  private func backwardAverage(
    _ outputGradient: Tensor<Scalar>, _ gradient: inout Tensor<Scalar>
  ) {
    let windows = Windows(specification, input: gradient.shape, output: outputGradient.shape)
    var position = 0
    for plane in 0..<windows.planes {
      let start = plane * windows.planeCount
      for y in 0..<windows.outputHeight {
        let rows = windows.rows(at: y)
        for x in 0..<windows.outputWidth {
          let columns = windows.columns(at: x)
          // ← ∂in ∂L/∂out
          let share = outputGradient[position] / Scalar(Double(rows.extent * columns.extent))
          for row in rows.onInput {  // ← ∂in Σ_i
            for column in columns.onInput {  // ← ∂in Σ_j
              gradient[start + row * windows.inputWidth + column] += share  // ← ∂in ∂L/∂in
            }
          }
          position += 1
        }
      }
    }
  }
}

/// Where the windows of a pooling layer lie on the planes (image × channel) of its input.
private struct Windows {
  let planes, inputHeight, inputWidth, outputHeight, outputWidth: Int
  let kernel, stride, pad: Extent

  init(_ specification: PoolingSpecification, input: Shape, output: Shape) {
    planes = input.images * input.channels
    (inputHeight, inputWidth) = (input.height, input.width)
    (outputHeight, outputWidth) = (output.height, output.width)
    kernel = specification.kernel(for: input)
    stride = specification.stride
    pad = specification.pad
  }

  var planeCount: Int { inputHeight * inputWidth }

  /// One side of a window: the positions on the input, and the extent with the padding it covers.
  typealias Side = (onInput: Range<Int>, extent: Int)

  func rows(at y: Int) -> Side {
    side(from: y * stride.height - pad.height, kernel.height, inputHeight, pad.height)
  }

  func columns(at x: Int) -> Side {
    side(from: x * stride.width - pad.width, kernel.width, inputWidth, pad.width)
  }

  private func side(from start: Int, _ kernel: Int, _ size: Int, _ pad: Int) -> Side {
    let end = min(start + kernel, size + pad)
    return (max(start, 0)..<min(end, size), end - start)
  }
}
