import Layers
import Tensors

/// Pooling, fast: the maximum or the average of each window.
///
/// The planes (image × channel) are the pieces that the threads share. A maximum and its position are
/// selected and not branched for, as no processor predicts where a maximum lies. A window's elements
/// come in row-major order, so of equal maxima the first one counts.
///
/// Twin: `Sources/Reference/Pooling.swift`. Source: Caffe's `pooling_layer.cpp`.
public struct Pooling<Scalar: BLASScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: PoolingSpecification
  private let engine: Engine

  private var isMaximum: Bool { specification.method == .maximum }

  /// The fast version of a specification.
  public init(_ specification: PoolingSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
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
    return Saved(maxPositions: [Int32](repeating: -1, count: isMaximum ? count : 0))
  }

  /// Takes each window's maximum or average.
  ///
  /// - Complexity: O(N·C·H'·W'·I·J) for windows of I×J, over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout Saved
  ) {
    requireFit(input.shape, output.shape, saved)
    let windows = PoolingWindows(specification, input: input.shape, output: output.shape)
    input.withMemory { input in
      output.withMutableMemory { output in
        saved.maxPositions.withUnsafeMutableBufferPointer { positions in
          // A plane of the input is H×W, one of the output and of the positions H'×W'.
          engine.run(windows.planes) { plane in
            let (x, y) = (input + plane * windows.plane, output + plane * windows.outputs)
            if isMaximum, let positions = positions.baseAddress {
              windows.maximum(of: x, into: y, positions + plane * windows.outputs)
            } else {
              windows.average(of: x, into: y)
            }
          }
        }
      }
    }
  }

  /// Passes each output's gradient to its maximum, or in equal shares to its window.
  ///
  /// - Complexity: O(N·C·(H·W + H'·W')) for the maximum, O(N·C·(H·W + H'·W'·I·J)) for the average,
  ///   over the engine's threads.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: Saved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    requireFit(input.shape, outputGradient.shape, saved)
    let windows = PoolingWindows(specification, input: input.shape, output: outputGradient.shape)
    if let inputGradient { require(inputGradient, input.count) }
    outputGradient.withMemory { upstream in
      inputGradient?.withMutableMemory { gradient in
        saved.maxPositions.withUnsafeBufferPointer { positions in
          // As for `forward`.
          engine.run(windows.planes) { plane in
            let (dy, dx) = (upstream + plane * windows.outputs, gradient + plane * windows.plane)
            dx.fill(windows.plane, with: 0)
            if isMaximum, let positions = positions.baseAddress {
              windows.pass(dy, toMaxima: positions + plane * windows.outputs, of: dx)
            } else {
              windows.share(dy, among: dx)
            }
          }
        }
      }
    }
  }

  /// Stops the program unless the windows lie on the input, and there is a position for each.
  private func requireFit(_ input: Shape, _ output: Shape, _ saved: Saved) {
    require(
      (try? specification.outputShape(for: input)) == output,
      "an output of shape \(output) doesn't belong to an input of shape \(input)")
    let positions = isMaximum ? output.count : 0
    require(
      saved.maxPositions.count == positions,
      "\(saved.maxPositions.count) positions for \(positions) maxima")
  }
}

/// Where the windows of a pooling layer lie on a plane of its input.
struct PoolingWindows {
  /// Rows or columns of an output's window: those that lie on the input, and how many they are with
  /// the padding that the window covers.
  typealias Side = (inside: Range<Int>, length: Int)

  /// N·C.
  let planes: Int
  /// W and H·W.
  let width, plane: Int
  /// For each of the H' rows and W' columns of the output.
  let rows, columns: [Side]

  init(_ specification: PoolingSpecification, input: Shape, output: Shape) {
    let (kernel, stride) = (specification.kernel(for: input), specification.stride)
    func sides(_ count: Int, _ kernel: Int, _ stride: Int, _ pad: Int, _ size: Int) -> [Side] {
      (0..<count).map { i in
        let start = i * stride - pad
        let end = min(start + kernel, size + pad)
        return (max(start, 0)..<min(end, size), end - start)
      }
    }
    let pad = specification.pad
    self.init(
      input, rows: sides(output.height, kernel.height, stride.height, pad.height, input.height),
      columns: sides(output.width, kernel.width, stride.width, pad.width, input.width))
  }

  init(_ input: Shape, rows: [Side], columns: [Side]) {
    (planes, width) = (input.images * input.channels, input.width)
    plane = input.height * input.width
    (self.rows, self.columns) = (rows, columns)
  }

  /// H'·W'.
  var outputs: Int { rows.count * columns.count }

  /// y = max over the window, and where it is. NaN is never greater, so it is passed over.
  @inline(__always)
  func maximum<Scalar: BLASScalar>(
    of x: UnsafePointer<Scalar>, into y: UnsafeMutablePointer<Scalar>,
    _ positions: UnsafeMutablePointer<Int32>
  ) {
    forEach { output, rows, columns, _ in
      // What every maximum starts from, in Double too, as in Caffe.
      var best = Scalar(-Double(Float.greatestFiniteMagnitude))
      var position = -1
      for row in rows {  // ← max_i
        for column in columns {
          let candidate = row * width + column
          let isGreater = x[candidate] > best  // ← in
          best = isGreater ? x[candidate] : best
          position = isGreater ? candidate : position
        }
      }
      y[output] = best  // ← out
      positions[output] = Int32(truncatingIfNeeded: position)
    }
  }

  /// y = Σ over the window / area.
  @inline(__always)
  func average<Scalar: BLASScalar>(
    of x: UnsafePointer<Scalar>, into y: UnsafeMutablePointer<Scalar>
  ) {
    forEach { output, rows, columns, area in
      var sum: Scalar = 0
      for row in rows {  // ← Σ_i
        for column in columns { sum += x[row * width + column] }  // ← Σ_j, in
      }
      y[output] = sum / Scalar(area)  // ← out
    }
  }

  /// ∂L/∂in[position of the maximum] += ∂L/∂out: overlapping windows may share a maximum.
  @inline(__always)
  func pass<Scalar: BLASScalar>(
    _ dy: UnsafePointer<Scalar>, toMaxima positions: UnsafePointer<Int32>,
    of dx: UnsafeMutablePointer<Scalar>
  ) {
    for i in 0..<outputs {
      let position = Int(positions[i])  // ← ∂in at
      // Positions come from the caller's `Saved`: what doesn't lie in the plane is left out.
      // ← ∂in ∂L/∂in, ∂L/∂out
      if position >= 0 && position < plane { dx[position] += dy[i] }
    }
  }

  /// ∂L/∂in += ∂L/∂out / area, for each element of the window.
  @inline(__always)
  func share<Scalar: BLASScalar>(
    _ dy: UnsafePointer<Scalar>, among dx: UnsafeMutablePointer<Scalar>
  ) {
    forEach { output, rows, columns, area in
      let share = dy[output] / Scalar(area)  // ← ∂in ∂L/∂out
      for row in rows {  // ← ∂in Σ_i
        for column in columns { dx[row * width + column] += share }  // ← ∂in Σ_j, ∂L/∂in
      }
    }
  }

  /// Calls `body` for each output of a plane with its position, the rows and columns of its window
  /// that lie on the input, and the window's area.
  @inline(__always)
  private func forEach(
    _ body: (_ output: Int, _ rows: Range<Int>, _ columns: Range<Int>, _ area: Int) -> Void
  ) {
    for (y, row) in rows.enumerated() {
      for (x, column) in columns.enumerated() {
        body(y * columns.count + x, row.inside, column.inside, row.length * column.length)
      }
    }
  }
}
