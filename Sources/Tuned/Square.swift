/// Squares of 16 by 16 numbers, transposed in registers.
enum Square {
  static var count: Int { 256 }

  /// Hands over row j of the transpose of a square's rows i, for each j < 16.
  ///
  /// Each of four rounds puts the even elements of neighbours beside each other, and the odd ones:
  /// that turns the 8 bits of an index by one.
  @inline(__always)
  static func transpose(
    rows: (_ i: Int) -> SIMD16<Float>, into body: (_ j: Int, _ row: SIMD16<Float>) -> Void
  ) {
    var rows = InlineArray<16, SIMD16<Float>> { rows($0) }
    for _ in 0..<4 {
      let old = rows
      for i in 0..<8 {
        let pair = SIMD32(lowHalf: old[2 * i], highHalf: old[2 * i + 1])
        rows[i] = pair.evenHalf
        rows[i + 8] = pair.oddHalf
      }
    }
    for j in 0..<16 { body(j, rows[j]) }
  }

  /// target[j, i] = source[i, j]: 16 rows of 16, each `stride` from the next, to 16 rows of 16.
  @inline(__always)
  static func transpose(
    _ source: UnsafePointer<Float>, stride: Int, to target: UnsafeMutablePointer<Float>
  ) {
    transpose {
      (source + $0 * stride).vector(at: 0)
    } into: {
      target.store($1, at: $0 * 16)
    }
  }

  /// Transposes a matrix of any size, square by square. At the edges, squares are filled up with
  /// zeros, and their rows' first elements alone are of the matrix.
  ///
  /// - Parameters:
  ///   - rows: its rows.
  ///   - columns: its columns.
  ///   - source: elements (i, j) to (i, j + count − 1), then anything; `count` is 1 to 16.
  ///   - target: takes elements (i, j) to (i + count − 1, j), the first `count` of a vector.
  @inline(__always)
  static func transpose(
    rows: Int, columns: Int,
    from source: (_ i: Int, _ j: Int, _ count: Int) -> SIMD16<Float>,
    to target: (_ i: Int, _ j: Int, _ count: Int, _ vector: SIMD16<Float>) -> Void
  ) {
    for i in stride(from: 0, to: rows, by: 16) {
      let height = min(16, rows - i)
      for j in stride(from: 0, to: columns, by: 16) {
        let width = min(16, columns - j)
        transpose {
          $0 < height ? source(i + $0, j, width) : SIMD16(repeating: 0)
        } into: {
          if $0 < width { target(i, j + $0, height, $1) }
        }
      }
    }
  }
}

extension UnsafePointer<Float> {
  /// `count` ≤ 16 elements, then zeros.
  @inline(__always)
  func vector(first count: Int) -> SIMD16<Float> {
    if count == 16 { return vector(at: 0) }
    var vector = SIMD16<Float>(repeating: 0)
    for i in 0..<count { vector[i] = self[i] }
    return vector
  }
}

extension UnsafeMutablePointer<Float> {
  /// Sets `count` ≤ 16 elements.
  @inline(__always)
  func store(_ vector: SIMD16<Float>, first count: Int) {
    if count == 16 { return store(vector, at: 0) }
    for i in 0..<count { self[i] = vector[i] }
  }
}
