import Fast
import Layers
import Tensors

/// Local response normalisation across channels.
extension LRN {
  /// The positions of a piece: the working memory of a thread doesn't grow with the image, and an
  /// image alone is work for several threads.
  private static var positionsAtOnce: Int { 1024 }

  /// The memory of piece i: from where to where in an image, and in which.
  private func pieces(_ shape: Shape) -> Partition {
    Partition(shape.spatialCount, partsOfAtMost: Self.positionsAtOnce)
  }

  /// A piece touches its stretch of positions in all channels of its image, so it stays in tensors of
  /// images × channels × positions; of its window, channels below 0 and beyond the last are left out.
  @inline(__always)
  func forwardAcross(
    _ shape: Shape, _ formula: LRNFormula<Scalar>, _ input: UnsafePointer<Scalar>,
    _ output: UnsafeMutablePointer<Scalar>, _ scale: UnsafeMutablePointer<Scalar>
  ) {
    let (channels, plane) = (shape.channels, shape.spatialCount)
    let parts = pieces(shape)
    engine.run(shape.images * parts.parts, scratch: parts.largest, of: Scalar.self) {
      piece, energy in
      let range = parts[piece % parts.parts]
      let start = piece / parts.parts * channels * plane + range.lowerBound
      for c in 0..<channels {
        let position = start + c * plane
        let window = max(c - formula.reach, 0)..<min(c + formula.reach + 1, channels)
        energy.sumSquares(input + start, rows: window, stride: plane, range.count)
        formula.normalise(
          input + position, energy: energy, scale: scale + position, output + position,
          range.count)
      }
    }
  }

  /// The memory of a piece is that of `forwardAcross`.
  @inline(__always)
  func backwardAcross(
    _ shape: Shape, _ formula: LRNFormula<Scalar>, _ x: UnsafePointer<Scalar>,
    _ y: UnsafePointer<Scalar>, _ dy: UnsafePointer<Scalar>, _ scale: UnsafePointer<Scalar>,
    _ dx: UnsafeMutablePointer<Scalar>
  ) {
    let (channels, plane) = (shape.channels, shape.spatialCount)
    let parts = pieces(shape)
    // The ratios of all channels, then the sums of one.
    let scratch = (channels + 1) * parts.largest
    engine.run(shape.images * parts.parts, scratch: scratch, of: Scalar.self) { piece, ratios in
      let range = parts[piece % parts.parts]
      let count = range.count
      let start = piece / parts.parts * channels * plane + range.lowerBound
      let sums = ratios + channels * count
      for c in 0..<channels {
        let position = start + c * plane
        formula.ratio(
          dy + position, y + position, scale + position, into: ratios + c * count, count)
      }
      for c in 0..<channels {
        let position = start + c * plane
        let window = max(c - formula.reach, 0)..<min(c + formula.reach + 1, channels)
        sums.sum(ratios, rows: window, stride: count, count)
        formula.gradient(
          dy + position, x + position, scale + position, sums: sums, into: dx + position, count)
      }
    }
  }
}

extension UnsafeMutablePointer where Pointee: TunedScalar {
  /// self[i] ← Σ over the rows of values[row·stride + i]², for `count` elements.
  @inline(__always)
  fileprivate func sumSquares(
    _ values: UnsafePointer<Pointee>, rows: Range<Int>, stride: Int, _ count: Int
  ) {
    fill(count, with: 0)
    for row in rows {
      let source = values + row * stride
      for i in 0..<count { self[i] += source[i] * source[i] }
    }
  }

  /// self[i] ← Σ over the rows of values[row·stride + i], for `count` elements.
  @inline(__always)
  fileprivate func sum(
    _ values: UnsafePointer<Pointee>, rows: Range<Int>, stride: Int, _ count: Int
  ) {
    fill(count, with: 0)
    for row in rows { add(values + row * stride, count) }
  }
}
