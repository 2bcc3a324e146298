import Layers
import Tensors

/// Local response normalisation, fast.
///
///     s = k + α/n · Σ in²,   out = in · s^−β
///
/// The sum goes over the n channels around one at each position, or over n×n positions of a channel
/// (then α/n² and k = 1). Every window is summed directly, a row of numbers at a time. A running sum
/// that adds one end and subtracts the other would be cheaper, but it drifts.
///
/// Twin: `Sources/Reference/LRN.swift`. Source: Krizhevsky et al. 2012, section 3.3, in the
/// convention of Caffe's `lrn_layer.cpp`.
public struct LRN<Scalar: BLASScalar>: Layer {
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

  /// The forward pass.
  public static var source: SourceLocation? { .here() }

  /// The formulas above; keeps s.
  ///
  /// - Complexity: O(count·n) additions both across channels and within one, count powers, over the
  ///   engine's threads. Each is lent up to 2·256·C numbers across channels, 3·H·W within one.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved scale: inout Tensor<Scalar>
  ) {
    let blocks = LRNBlocks(specification, input.shape)
    let offset = Scalar(specification.region == .acrossChannels ? specification.k : 1)
    let share = Scalar(specification.alpha / blocks.windowSize)
    let exponent = Scalar(-specification.beta)
    require(output, input.count)
    require(scale, input.count)
    input.withMemory { x in
      output.withMutableMemory { y in
        scale.withMutableMemory { s in
          engine.run(blocks.count, scratch: blocks.scratch, of: Scalar.self) { piece, squares in
            let block = blocks[piece]
            block.forEachRow { row, i in
              for t in 0..<block.width { squares[row + t] = x[i + t] * x[i + t] }
            }
            let energy = block.sumNeighbours(squares)
            block.forEachRow { row, i in
              for t in 0..<block.width {
                s[i + t] = offset + share * energy[row + t]
                y[i + t] = x[i + t] * .pow(s[i + t], exponent)
              }
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
    let blocks = LRNBlocks(specification, input.shape)
    let factor = Scalar(2 * specification.alpha * specification.beta / blocks.windowSize)
    let exponent = Scalar(-specification.beta)
    require(output, input.count)
    require(outputGradient, input.count)
    require(scale, input.count)
    if let inputGradient { require(inputGradient, input.count) }
    withMemory(output, outputGradient, scale) { y, dy, s in
      inputGradient.withMutableMemory { dx in
        guard let dx else { return }
        input.withMemory { x in
          engine.run(blocks.count, scratch: blocks.scratch, of: Scalar.self) { piece, ratios in
            let block = blocks[piece]
            block.forEachRow { row, i in
              for t in 0..<block.width { ratios[row + t] = dy[i + t] * y[i + t] / s[i + t] }
            }
            let sums = block.sumNeighbours(ratios)
            block.forEachRow { row, i in
              for t in 0..<block.width {
                let own = dy[i + t] * .pow(s[i + t], exponent)
                dx[i + t] = own - factor * x[i + t] * sums[row + t]
              }
            }
          }
        }
      }
    }
  }
}

/// The pieces of a normalisation: 256 positions of an image in all its channels, or one plane.
private struct LRNBlocks {
  let isAcross: Bool
  let count: Int
  /// The values summed: n, or n².
  let windowSize: Double
  private let reach, channels, plane, width: Int
  /// Across channels: the positions of an image.
  private let positions: Partition

  init(_ specification: LRNSpecification, _ shape: Shape) {
    let n = specification.localSize
    isAcross = specification.region == .acrossChannels
    windowSize = Double(isAcross ? n : n * n)
    reach = n / 2
    (channels, plane, width) = (shape.channels, shape.spatialCount, shape.width)
    positions = Partition(plane, partsOfAtMost: 256)
    count = shape.images * (isAcross ? positions.parts : channels)
  }

  /// The numbers that a piece is lent: values, what they sum up to, and between these, within a
  /// channel, the sums down the columns.
  var scratch: Int { isAcross ? 2 * channels * positions.largest : 3 * plane }

  subscript(piece: Int) -> LRNBlock {
    guard isAcross else {
      return LRNBlock(
        start: piece * plane, rows: plane / max(width, 1), width: width, stride: width,
        reach: reach, isAcross: false)
    }
    let range = positions[piece % positions.parts]
    return LRNBlock(
      start: piece / positions.parts * channels * plane + range.lowerBound, rows: channels,
      width: range.count, stride: plane, reach: reach, isAcross: true)
  }
}

/// Rows of numbers in a tensor, `stride` apart: what one piece reads and writes. Its working memory
/// holds them without gaps. Across channels a row is some positions of a channel, within one it is a
/// row of the picture.
private struct LRNBlock {
  let start, rows, width, stride, reach: Int
  let isAcross: Bool

  /// Calls `body` for each row, with where it begins in working memory and in the tensor.
  @inline(__always)
  func forEachRow(_ body: (_ row: Int, _ i: Int) -> Void) {
    for r in 0..<rows { body(r * width, start + r * stride) }
  }

  /// For each of the rows × width values, the sum over its neighbours and itself, in the memory behind
  /// them.
  @inline(__always)
  func sumNeighbours<Scalar: BLASScalar>(
    _ values: UnsafeMutablePointer<Scalar>
  ) -> UnsafeMutablePointer<Scalar> {
    let sums = values + rows * width
    for r in 0..<rows {
      let sum = sums + r * width
      sum.fill(width, with: 0)
      for r2 in max(r - reach, 0)..<min(r + reach + 1, rows) { sum.add(values + r2 * width, width) }
    }
    return isAcross ? sums : sumAlongRows(sums)
  }

  /// The same for the neighbours in the own row: with the sums down the columns, n + n additions in
  /// the place of n².
  @inline(__always)
  private func sumAlongRows<Scalar: BLASScalar>(
    _ values: UnsafeMutablePointer<Scalar>
  ) -> UnsafeMutablePointer<Scalar> {
    let sums = values + rows * width
    sums.fill(rows * width, with: 0)
    for r in 0..<rows {
      for distance in -min(reach, width - 1)...min(reach, width - 1) {
        // The positions whose neighbour at this distance exists.
        let (first, end) = (max(0, -distance), width - max(0, distance))
        (sums + r * width + first).add(values + r * width + first + distance, end - first)
      }
    }
    return sums
  }
}
