import Layers
import Tensors

/// Local response normalisation, fast.
///
///     s = k + α/n · Σ in²,   out = in · s^−β
///
/// The sum goes over the n channels around one at each position, or over n×n positions of a channel
/// (then α/n² and k = 1). Images, or planes, are the pieces that the threads share. Every window is
/// summed directly, a row of numbers at a time. A running sum that adds one end and subtracts the
/// other would be cheaper, but it drifts.
///
/// Twin: `Sources/Reference/LRN.swift`. Source: Krizhevsky et al. 2012, section 3.3, in the
/// convention of Caffe's `lrn_layer.cpp`.
public struct LRN<Scalar: BLASScalar>: SingleInputLayer {
  /// What describes this layer.
  public let specification: LRNSpecification
  private let engine: Engine

  /// The fast version of a specification.
  public init(_ specification: LRNSpecification, engine: Engine = .shared) {
    self.specification = specification
    self.engine = engine
  }

  /// Memory for s, shaped like the input.
  ///
  /// - Complexity: O(count), allocating a tensor of the input's size.
  public func makeSaved(for input: Shape) throws(LayerError) -> Tensor<Scalar> {
    Tensor(try specification.outputShape(for: input))
  }

  /// The formulas above; keeps s.
  ///
  /// - Complexity: O(count·n) additions both across channels and within one, count powers, over the
  ///   engine's threads. Each is lent 2·C·H·W numbers across channels, 3·H·W within one.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved scale: inout Tensor<Scalar>
  ) {
    let windows = LRNWindows(specification, input.shape)
    let offset = Scalar(specification.region == .acrossChannels ? specification.k : 1)
    let share = Scalar(specification.alpha / windows.size)
    let exponent = Scalar(-specification.beta)
    require(output, input.count)
    require(scale, input.count)
    input.withMemory { x in
      output.withMutableMemory { y in
        scale.withMutableMemory { s in
          engine.run(windows.pieces, scratch: windows.scratch, of: Scalar.self) { piece, squares in
            let piece = piece * windows.count..<(piece + 1) * windows.count
            for (t, i) in piece.enumerated() { squares[t] = x[i] * x[i] }
            let energy = windows.sums(of: squares)  // ← Σ_c', Σ_i
            for (t, i) in piece.enumerated() {
              s[i] = offset + share * energy[t]  // ← s
              y[i] = x[i] * .pow(s[i], exponent)  // ← out, in
            }
          }
        }
      }
    }
  }

  /// ∂L/∂in = ∂L/∂out · s^−β − (2αβ/n) · in · Σ ∂L/∂out · out / s
  ///
  /// - Complexity: As forward.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved scale: Tensor<Scalar>,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let windows = LRNWindows(specification, input.shape)
    let factor = Scalar(2 * specification.alpha * specification.beta / windows.size)
    let exponent = Scalar(-specification.beta)
    for tensor in [output, outputGradient, scale, inputGradient ?? input] {
      require(tensor, input.count)
    }
    withMemory(of: [input, output, outputGradient, scale]) { tensors in
      let (x, y, dy, s) = (tensors[0], tensors[1], tensors[2], tensors[3])
      inputGradient?.withMutableMemory { dx in
        engine.run(windows.pieces, scratch: windows.scratch, of: Scalar.self) { piece, ratios in
          let piece = piece * windows.count..<(piece + 1) * windows.count
          for (t, i) in piece.enumerated() { ratios[t] = dy[i] * y[i] / s[i] }  // ← ∂in out
          let sums = windows.sums(of: ratios)  // ← ∂in Σ_c', Σ_i
          for (t, i) in piece.enumerated() {
            // ← ∂in ∂L/∂in, ∂L/∂out, s, in
            dx[i] = dy[i] * .pow(s[i], exponent) - factor * x[i] * sums[t]
          }
        }
      }
    }
  }
}

/// The windows of a normalisation. A piece of the tensor is `rows` of `width` numbers: across channels
/// an image, a channel a row; within a channel a plane.
private struct LRNWindows {
  let pieces: Int
  /// The values summed: n, or n².
  let size: Double
  private let rows, width, reach: Int
  private let isAcross: Bool

  init(_ specification: LRNSpecification, _ shape: Shape) {
    let n = specification.localSize
    isAcross = specification.region == .acrossChannels
    size = Double(isAcross ? n : n * n)
    reach = n / 2
    pieces = isAcross ? shape.images : shape.images * shape.channels
    (rows, width) = isAcross ? (shape.channels, shape.spatialCount) : (shape.height, shape.width)
  }

  /// The numbers of a piece, and those that it is lent: values and their sums, and within a channel
  /// those down the columns between.
  var count: Int { rows * width }
  var scratch: Int { isAcross ? 2 * count : 3 * count }

  /// For each of `count` values the sum over its neighbours and itself, in the memory behind them.
  @inline(__always)
  func sums<Scalar: BLASScalar>(
    of values: UnsafeMutablePointer<Scalar>
  ) -> UnsafeMutablePointer<Scalar> {
    let columns = values + count
    columns.fill(count, with: 0)
    for r in 0..<rows {
      for r2 in max(r - reach, 0)..<min(r + reach + 1, rows) {
        (columns + r * width).add(values + r2 * width, width)  // ← Σ_c', Σ_i
      }
    }
    guard !isAcross else { return columns }
    // Along the rows too: n + n additions in the place of n².
    let sums = columns + count
    sums.fill(count, with: 0)
    for r in 0..<rows {
      for distance in -min(reach, width - 1)...min(reach, width - 1) {
        // The positions whose neighbour at this distance exists.
        let (first, end) = (max(0, -distance), width - max(0, distance))
        (sums + r * width + first).add(columns + r * width + first + distance, end - first)
      }
    }
    return sums
  }
}
