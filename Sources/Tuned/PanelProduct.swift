/// The product of a matrix with a packed panel, both in the first or second level of the cache.
///
///     C[rows×width] = Σ_p a[row, p] · b[p, width]
///
/// Its rows are cut into tiles of 9 and 8 on AVX-512, so that a number of 56 rows or more leaves none
/// of them empty: 9×48 sums, a row of b and a number of a are 31 of 32 registers.
struct PanelProduct {
  let rows, inner: Int
  /// Element (row, p) at row·`rowStride` + p·`step`.
  let a: UnsafePointer<Float>
  let rowStride, step: Int
  /// Row p at p·`bStride`.
  let b: UnsafePointer<Float>
  let bStride: Int
  /// (`paddedRows`, width)
  let c: UnsafeMutablePointer<Float>
  /// A number that `Tile.columns(for:)` gives.
  let width: Int
  /// Whether C holds something to add to.
  let adding: Bool

  /// The rows with those that fill up the tiles.
  static func paddedRows(_ rows: Int) -> Int {
    guard Tile.rows == 8 else { return (rows + 5) / 6 * 6 }
    return max(rows, (rows + 8) / 9 * 8)
  }

  @inline(__always)
  func run() {
    guard Tile.rows == 8 else { return run(Microkernel<6, 1>.self, 0..<rows) }
    // `count` tiles, of which as few as can be have 9 rows.
    let count = (rows + 8) / 9
    let tall = 9 * max(0, rows - 8 * count)
    switch width {
    case 16:
      run(Microkernel<9, 1>.self, 0..<tall)
      run(Microkernel<8, 1>.self, tall..<rows)
    case 32:
      run(Microkernel<9, 2>.self, 0..<tall)
      run(Microkernel<8, 2>.self, tall..<rows)
    default:
      run(Microkernel<9, 3>.self, 0..<tall)
      run(Microkernel<8, 3>.self, tall..<rows)
    }
  }

  @inline(never)
  private func run<let r: Int, let v: Int>(_ kernel: Microkernel<r, v>.Type, _ range: Range<Int>) {
    let (b, bStride) = (b, bStride)
    for first in stride(from: range.lowerBound, to: range.upperBound, by: r) {
      Microkernel<r, v>.multiply(
        inner: inner, a + first * rowStride,
        Microkernel<r, v>.offsets(range.upperBound - first, stride: rowStride), step: step,
        into: c + first * Microkernel<r, v>.columns, stride: Microkernel<r, v>.columns,
        adding: adding
      ) { p in
        Microkernel<r, v>.row(b + p * bStride)
      }
    }
  }
}
