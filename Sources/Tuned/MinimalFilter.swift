import Layers

/// The matrices of F(m×m, r×r) in `Float`, m outputs and r taps in each dimension, n = m + r − 1 points.
///
/// In two dimensions each matrix is applied to rows and columns, and n·n multiplications take the place
/// of m·m·r·r. What else a convolution needs is the same three matrices the other way:
///
/// | | of | by |
/// |---|---|---|
/// | output | data B, filter G | A back |
/// | gradient with respect to the data | output's gradient A, filter G | B back |
/// | gradient with respect to the filter | data B, output's gradient A | G back |
struct MinimalFilter<let m: Int, let r: Int, let n: Int>: Sendable {
  let a: PointMatrix<n, m>
  let g: PointMatrix<n, r>
  let b: PointMatrix<n, n>

  init(_ toomCook: ToomCook) {
    precondition(toomCook.outputs == m && toomCook.taps == r && n == m + r - 1)
    (a, g, b) = (PointMatrix(toomCook.a), PointMatrix(toomCook.g), PointMatrix(toomCook.b))
  }
}

/// The schemes in use. Each point and its opposite stand side by side, 0 at the end.
///
/// The points decide the error, and don't matter to the speed. ±3/4 and ±3/2 have half the error of the
/// usual ±1 and ±2, ±1/4, ±7/8 and ±7/4 without 0 the least of all sets of seven that were tried
/// (fractions with small powers of two below). The powers in A and Bᵀ are exact in `Float`; G is rounded.
enum MinimalFilters {
  /// F(4, 3).
  static let toomCook43 = ToomCook(
    outputs: 4, taps: 3, points: opposite(Rational(3, 4), Rational(3, 2)) + [0])
  /// F(3, 5).
  static let toomCook35 = ToomCook(
    outputs: 3, taps: 5, points: opposite(Rational(1, 4), Rational(7, 8), Rational(7, 4)))

  /// F(4×4, 3×3).
  static let f43 = MinimalFilter<4, 3, 6>(toomCook43)
  /// F(3×3, 5×5).
  static let f35 = MinimalFilter<3, 5, 7>(toomCook35)

  private static func opposite(_ points: Rational...) -> [Rational] {
    points.flatMap { [$0, 0 - $0] }
  }
}

/// A matrix with a row for each point, of which the first ones are pairs a and −a: these differ in the
/// sign of odd columns, so that one sum over even and one over odd columns serve both.
struct PointMatrix<let points: Int, let size: Int>: Sendable {
  private let rows: InlineArray<points, InlineArray<size, Float>>

  /// Numbers for each of some points.
  typealias Values = InlineArray<points, Vector>
  /// Numbers of data, of outputs, or of taps.
  typealias Numbers = InlineArray<size, Vector>

  init(_ matrix: [[Rational]]) {
    rows = InlineArray { i in InlineArray { Float(matrix[i][$0].doubleValue) } }
    for i in stride(from: 0, to: 2 * Self.pairs, by: 2) {
      for j in 0..<size {
        precondition(rows[i + 1][j] == (j % 2 == 0 ? rows[i][j] : -rows[i][j]), "no pair")
      }
    }
  }

  @inline(__always)
  private static var pairs: Int { (points - 1) / 2 }

  /// P·x
  @inline(__always)
  func toPoints(_ x: Numbers) -> Values {
    var values = Values(repeating: Vector(repeating: 0))
    for pair in 0..<Self.pairs {
      let row = rows[2 * pair]
      var even = x[0] * row[0]
      var odd = size > 1 ? x[1] * row[1] : Vector(repeating: 0)
      for j in stride(from: 2, to: size, by: 2) { even.addProduct(Vector(repeating: row[j]), x[j]) }
      for j in stride(from: 3, to: size, by: 2) { odd.addProduct(Vector(repeating: row[j]), x[j]) }
      values[2 * pair] = even + odd
      values[2 * pair + 1] = even - odd
    }
    for i in 2 * Self.pairs..<points {
      var sum = x[0] * rows[i][0]
      for j in 1..<size { sum.addProduct(Vector(repeating: rows[i][j]), x[j]) }
      values[i] = sum
    }
    return values
  }

  /// Pᵀ·y
  @inline(__always)
  func fromPoints(_ y: Values) -> Numbers {
    var (sums, differences) = (y, y)
    for pair in 0..<Self.pairs {
      sums[pair] = y[2 * pair] + y[2 * pair + 1]
      differences[pair] = y[2 * pair] - y[2 * pair + 1]
    }
    var numbers = Numbers(repeating: Vector(repeating: 0))
    for j in 0..<size {
      var sum = (j % 2 == 0 ? sums[0] : differences[0]) * rows[0][j]
      for pair in 1..<Self.pairs {
        sum.addProduct(
          Vector(repeating: rows[2 * pair][j]), j % 2 == 0 ? sums[pair] : differences[pair])
      }
      for i in 2 * Self.pairs..<points { sum.addProduct(Vector(repeating: rows[i][j]), y[i]) }
      numbers[j] = sum
    }
    return numbers
  }

  /// P·X·Pᵀ
  ///
  /// - Parameters:
  ///   - source: element (i, j) of X, size × size.
  ///   - target: takes element (i, j) of the result, points × points.
  @inline(__always)
  func toPoints(
    from source: (_ i: Int, _ j: Int) -> Vector, to target: (_ i: Int, _ j: Int, Vector) -> Void
  ) {
    // X·Pᵀ: (size, points)
    var half = InlineArray<size, Values>(repeating: Values(repeating: Vector(repeating: 0)))
    for i in 0..<size { half[i] = toPoints(Numbers { source(i, $0) }) }
    for j in 0..<points {
      let column = toPoints(Numbers { half[$0][j] })
      for i in 0..<points { target(i, j, column[i]) }
    }
  }

  /// Pᵀ·Y·P
  ///
  /// - Parameters:
  ///   - source: element (i, j) of Y, points × points.
  ///   - target: takes element (i, j) of the result, size × size.
  @inline(__always)
  func fromPoints(
    from source: (_ i: Int, _ j: Int) -> Vector, to target: (_ i: Int, _ j: Int, Vector) -> Void
  ) {
    // Y·P: (points, size)
    var half = InlineArray<points, Numbers>(repeating: Numbers(repeating: Vector(repeating: 0)))
    for i in 0..<points { half[i] = fromPoints(Values { source(i, $0) }) }
    for j in 0..<size {
      let column = fromPoints(Values { half[$0][j] })
      for i in 0..<size { target(i, j, column[i]) }
    }
  }
}

extension PointMatrix {
  /// Transforms the tiles of a frame: tile (y, x) begins at its pixel (y·step, x·step), and tiles may
  /// overlap.
  ///
  /// - Parameters:
  ///   - frame: (…, frame width, lanes)
  ///   - tiles: rows and columns of them.
  ///   - values: for each point its tiles: tile t of point p at p·`pointStride` + t·`tileStride`.
  @inline(never)
  func toPoints(
    _ frame: UnsafePointer<Float>, frameWidth: Int, lanes: Int, tiles: Extent, step: Int,
    to values: UnsafeMutablePointer<Float>, pointStride: Int, tileStride: Int
  ) {
    let line = frameWidth * lanes
    for y in 0..<tiles.height {
      for x in 0..<tiles.width {
        let source = frame + y * step * line + x * step * lanes
        let target = values + (y * tiles.width + x) * tileStride
        for lane in stride(from: 0, to: lanes, by: 16) {
          toPoints {
            source.vector(at: $0 * line + $1 * lanes + lane)
          } to: {
            target.store($2, at: ($0 * points + $1) * pointStride + lane)
          }
        }
      }
    }
  }

  /// The way back: writes the tiles of a frame, or adds them to what is there.
  ///
  /// - Parameters: those of `toPoints`.
  @inline(never)
  func fromPoints(
    _ values: UnsafePointer<Float>, pointStride: Int, tileStride: Int,
    to frame: UnsafeMutablePointer<Float>, frameWidth: Int, lanes: Int, tiles: Extent, step: Int,
    adding: Bool
  ) {
    let line = frameWidth * lanes
    for y in 0..<tiles.height {
      for x in 0..<tiles.width {
        let source = values + (y * tiles.width + x) * tileStride
        let target = frame + y * step * line + x * step * lanes
        for lane in stride(from: 0, to: lanes, by: 16) {
          fromPoints {
            source.vector(at: ($0 * points + $1) * pointStride + lane)
          } to: {
            let place = $0 * line + $1 * lanes + lane
            let before = UnsafePointer(target).vector(at: place)
            target.store(adding ? before + $2 : $2, at: place)
          }
        }
      }
    }
  }
}
