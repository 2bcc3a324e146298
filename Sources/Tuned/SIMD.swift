import CProcessor

/// Sixteen numbers: one register of AVX-512, two of AVX2, four of NEON; the compiler splits it.
typealias Vector = SIMD16<Float>

// What is read and written here are `count` elements from a pointer on, or the 16 elements from an
// index on: the caller has them.

extension UnsafePointer<Float> {
  /// Elements i..<i + 16.
  @inline(__always)
  func vector(at i: Int) -> Vector {
    UnsafeRawPointer(self + i).loadUnaligned(as: Vector.self)
  }

  /// `count` ≤ 16 elements, then anything: what lies behind them if it is before `end`, or zeros.
  @inline(__always)
  func vector(first count: Int, before end: UnsafePointer<Float>) -> Vector {
    if count == 16 || self + 16 <= end { return vector(at: 0) }
    var vector = Vector(repeating: 0)
    for i in 0..<count { vector[i] = self[i] }
    return vector
  }

  /// Σ self[i] over `count` elements, in an order that depends on `count` alone: 32 running sums.
  func sum(_ count: Int) -> Float {
    var (a, b) = (Vector(repeating: 0), Vector(repeating: 0))
    let whole = count / 32 * 32
    for i in Swift.stride(from: 0, to: whole, by: 32) {
      a += vector(at: i)
      b += vector(at: i + 16)
    }
    var total = (a + b).sum()
    for i in whole..<count { total += self[i] }
    return total
  }
}

extension UnsafeMutablePointer<Float> {
  /// Sets elements i..<i + 16.
  @inline(__always)
  func store(_ vector: Vector, at i: Int) {
    UnsafeMutableRawPointer(self + i).storeBytes(of: vector, as: Vector.self)
  }

  /// Sets `count` ≤ 16 elements.
  @inline(__always)
  func store(_ vector: Vector, first count: Int) {
    if count == 16 { return store(vector, at: 0) }
    for i in 0..<count { self[i] = vector[i] }
  }

  /// Sets `count` elements.
  @inline(__always)
  func fill(_ count: Int, with value: Float) {
    for i in 0..<count { self[i] = value }
  }

  /// self[i] ← self[i] + values[i]
  @inline(__always)
  func add(_ values: UnsafePointer<Float>, _ count: Int) {
    for i in 0..<count { self[i] += values[i] }
  }
}

/// Transposes 16 rows of 16 numbers in registers, and hands over row j of the transpose for each j.
///
/// Each of four rounds puts the even elements of neighbouring rows beside each other, and the odd
/// ones. An element's place has 8 bits, 4 of its row and 4 of its column; a round rotates them by
/// one, so that four rounds exchange row and column.
@inline(__always)
func transpose16x16(
  rows: (_ i: Int) -> Vector, into body: (_ j: Int, _ row: Vector) -> Void
) {
  var rows = InlineArray<16, Vector> { rows($0) }
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

/// Transposes a matrix of any size in blocks of 16×16, from left to right and then from top to
/// bottom. Blocks at the edges are filled up with zeros.
///
/// - Parameters:
///   - rows: its rows.
///   - columns: its columns.
///   - source: elements (i, j) to (i, j + count − 1), then anything; `count` is 1 to 16.
///   - target: takes elements (i, j) to (i + count − 1, j), the first `count` of a vector whose
///     others are 0.
@inline(__always)
func transpose(
  rows: Int, columns: Int, from source: (_ i: Int, _ j: Int, _ count: Int) -> Vector,
  to target: (_ i: Int, _ j: Int, _ count: Int, _ vector: Vector) -> Void
) {
  for i in stride(from: 0, to: rows, by: 16) {
    let height = min(16, rows - i)
    for j in stride(from: 0, to: columns, by: 16) {
      let width = min(16, columns - j)
      transpose16x16 {
        $0 < height ? source(i + $0, j, width) : Vector(repeating: 0)
      } into: {
        if $0 < width { target(i, j + $0, height, $1) }
      }
    }
  }
}
