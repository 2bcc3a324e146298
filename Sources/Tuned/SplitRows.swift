import Layers
import Tensors

extension ConvolutionGeometry {
  /// The numbers of working memory that the columns of `rows` output rows take for it: less than
  /// twice what the input rows hold that they look at.
  func splitCount(rows: Int) -> Int {
    guard splitsRows else { return 0 }
    return min(inputRows(for: 0..<rows).count, height) * SplitRows<Float>.rowCount(self)
  }

  /// The input rows that some output rows look at, those in the padding included.
  fileprivate func inputRows(for rows: Range<Int>) -> Range<Int> {
    guard !rows.isEmpty else { return 0..<0 }
    let first = rows.lowerBound * stride.height - pad.height
    return first..<first + (rows.count - 1) * stride.height
      + (kernel.height - 1) * dilation.height + 1
  }
}

/// The rows of a channel, each split by the remainder of its columns modulo the stride: columns
/// 0, s, 2s, …, then 1, s + 1, …
///
/// What a tap reads, every s-th column, is contiguous then. The split takes one pass over the
/// input, and conv1 reads each of its rows for 11·11/4 rows of columns.
struct SplitRows<Scalar: TunedScalar> {
  /// Those of the input, without the padding.
  private let rows: Range<Int>
  private let width, step, remainderCount: Int
  private let memory: UnsafeMutablePointer<Scalar>

  /// The elements of a row, once split.
  var rowCount: Int { step * remainderCount }

  static func rowCount(_ geometry: ConvolutionGeometry) -> Int {
    let step = geometry.stride.width
    return (geometry.width + step - 1) / step * step
  }

  /// The rows that some output rows look at, in memory for `splitCount(rows:)` numbers.
  @inline(__always)
  init(_ geometry: ConvolutionGeometry, rows: Range<Int>, _ memory: UnsafeMutablePointer<Scalar>) {
    self.rows = geometry.inputRows(for: rows).clamped(to: 0..<geometry.height)
    width = geometry.width
    step = geometry.stride.width
    remainderCount = (geometry.width + step - 1) / step
    self.memory = memory
  }

  /// Where a tap at a distance of `shift` columns reads an input row at output column 0; that may
  /// lie before the row, in the padding.
  @inline(__always)
  func row(_ row: Int, shift: Int) -> UnsafePointer<Scalar> {
    let quotient = shift >= 0 ? shift / step : -((-shift + step - 1) / step)
    let remainder = shift - quotient * step
    return UnsafePointer(
      memory + (row - rows.lowerBound) * rowCount + remainder * remainderCount + quotient)
  }

  /// Splits the rows of a channel, of height × width numbers. Column x < width goes to remainder x % step,
  /// position x / step < `remainderCount`, in its row of `rowCount` numbers.
  @inline(__always)
  func fill(from channel: UnsafePointer<Scalar>) {
    for row in rows {
      let target = memory + (row - rows.lowerBound) * rowCount
      let source = channel + row * width
      var x = 0
      if step == 4 {
        // Whole vectors of the row; each writes 4 elements of each of the 4 remainders.
        while x + 16 <= width {
          let vector = source.vector(at: x)
          let (even, odd) = (vector.evenHalf, vector.oddHalf)
          store(even.evenHalf, target + x / 4)
          store(odd.evenHalf, target + remainderCount + x / 4)
          store(even.oddHalf, target + 2 * remainderCount + x / 4)
          store(odd.oddHalf, target + 3 * remainderCount + x / 4)
          x += 16
        }
      } else if step == 2 {
        while x + 16 <= width {
          let vector = source.vector(at: x)
          store(vector.evenHalf, target + x / 2)
          store(vector.oddHalf, target + remainderCount + x / 2)
          x += 16
        }
      }
      while x < width {
        target[x % step * remainderCount + x / step] = source[x]
        x += 1
      }
    }
  }

  /// Sixteen columns from x on that end with the row are a whole vector of each remainder from x / step
  /// on.
  @inline(__always)
  private func store<Vector>(_ vector: Vector, _ target: UnsafeMutablePointer<Scalar>) {
    UnsafeMutableRawPointer(target).storeBytes(of: vector, as: Vector.self)
  }
}
