import COpenBLAS
import Layers
import Tuned

/// Minimal filtering: m×m outputs of an r×r kernel in (m + r − 1)² multiplications for each channel and
/// kernel, where the formula needs m²·r². With U = G·w·Gᵀ and V = Bᵀ·in·B,
///
///     out = Aᵀ · (Σ_c U ⊙ V) · A
///
/// for each tile of the output. The sum over channels is a matrix product for each of the points.
package enum Winograd: Rung {
  package static let title = "Winograd"
  package static let reason = """
    Rung 8 is near the processor's peak, so only fewer multiplications can be faster: 49 instead of \
    225 for 3×3 outputs of a 5×5 kernel, 36 instead of 144 for 4×4 of 3×3. Sources/Tuned does so \
    with tiles of its own in place of OpenBLAS, and transforms the weights once for all images.
    """
  package static var source: SourceLocation { .here() }

  package static func refusal(_ s: Sizes) -> String? {
    s.stride == 1 && [3, 5].contains(s.size)
      ? nil : "its schemes are for kernels of 3×3 and 5×5 with stride 1"
  }

  package static func scratchCount(_ s: Sizes) -> Int {
    let (filter, tiles) = (scheme(s), tiles(s))
    let points = (filter.outputs + filter.taps - 1) * (filter.outputs + filter.taps - 1)
    return points
      * (s.kernels * s.channels + (s.channels + s.kernels) * tiles.count
        + 2 * max(s.channels, tiles.count))
  }

  package static func forward(_ piece: Piece, scratch: UnsafeMutablePointer<Float>) {
    let (s, filter, tiles) = (piece.sizes, scheme(piece.sizes), tiles(piece.sizes))
    let (m, r, t) = (filter.outputs, filter.taps, tiles.count)
    let n = m + r - 1
    // u: (n·n, K, C); v: (n·n, C, t); products: (n·n, K, t); planes: (n·n, C or t)
    let u = scratch
    let v = u + n * n * s.kernels * s.channels
    let products = v + n * n * s.channels * t
    let planes = products + n * n * s.kernels * t
    let half = planes + n * n * max(s.channels, t)

    let g = Transform(filter.g)
    for k in 0..<s.kernels {
      for tap in 0..<r * r {
        for c in 0..<s.channels {
          planes[tap * s.channels + c] = piece.w[(k * s.channels + c) * r * r + tap]
        }
      }
      g.apply(
        planes, stride: s.channels, into: u + k * s.channels, stride: s.kernels * s.channels,
        count: s.channels, half)
    }
    let b = Transform(filter.b)
    for c in 0..<s.channels {
      for place in 0..<n * n {
        for tile in 0..<t {
          let y = tile / tiles.columns * m + place / n - s.pad
          let x = tile % tiles.columns * m + place % n - s.pad
          let isInside = 0 <= y && y < s.height && 0 <= x && x < s.width
          planes[place * t + tile] = isInside ? piece.x[(c * s.height + y) * s.width + x] : 0
        }
      }
      b.apply(planes, stride: t, into: v + c * t, stride: s.channels * t, count: t, half)
    }
    for point in 0..<n * n {
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans,
        blasint(s.kernels), blasint(t), blasint(s.channels),
        1, u + point * s.kernels * s.channels, blasint(s.channels),
        v + point * s.channels * t, blasint(t), 0, products + point * s.kernels * t, blasint(t))
    }
    let a = Transform(transposing: filter.a)
    for k in 0..<s.kernels {
      a.apply(
        products + k * t, stride: s.kernels * t, into: planes, stride: t, count: t, half)
      for place in 0..<m * m {
        for tile in 0..<t {
          let (y, x) = (
            tile / tiles.columns * m + place / m, tile % tiles.columns * m + place % m
          )
          guard y < s.outHeight, x < s.outWidth else { continue }
          piece.out[(k * s.outHeight + y) * s.outWidth + x] = planes[place * t + tile] + piece.b[k]
        }
      }
    }
  }

  package static func run(_ pieces: [Piece], scratch: [UnsafeMutablePointer<Float>]) {
    onThreads(pieces.count, scratch: scratch) { i, scratch in forward(pieces[i], scratch: scratch) }
  }

  /// F(4, 3) or F(3, 5), at the points that rounding errors grow least with.
  private static func scheme(_ s: Sizes) -> ToomCook {
    func pairs(_ points: Rational...) -> [Rational] { points.flatMap { [$0, 0 - $0] } }
    return s.size == 3
      ? ToomCook(outputs: 4, taps: 3, points: [0] + pairs(Rational(3, 4), Rational(3, 2)))
      : ToomCook(
        outputs: 3, taps: 5, points: pairs(Rational(1, 4), Rational(7, 8), Rational(7, 4)))
  }

  /// The tiles that cover the output.
  private static func tiles(_ s: Sizes) -> (count: Int, columns: Int) {
    let m = scheme(s).outputs
    let (rows, columns) = ((s.outHeight + m - 1) / m, (s.outWidth + m - 1) / m)
    return (rows * columns, columns)
  }
}

/// x ↦ L·x·Lᵀ for many square x at a time.
private struct Transform {
  private let rows, columns: Int
  /// L: (rows, columns)
  private let l: [Float]

  init(_ matrix: [[Rational]]) {
    (rows, columns) = (matrix.count, matrix[0].count)
    l = matrix.joined().map { Float($0.doubleValue) }
  }

  init(transposing matrix: [[Rational]]) {
    self.init(matrix[0].indices.map { column in matrix.map { $0[column] } })
  }

  /// - Parameters:
  ///   - x: (columns·columns, count), elements of the squares; neighbouring elements are `stride` apart.
  ///   - result: (rows·rows, count), likewise.
  ///   - half: working memory for L·x, rows·columns·count numbers.
  func apply(
    _ x: UnsafePointer<Float>, stride: Int, into result: UnsafeMutablePointer<Float>,
    stride resultStride: Int, count: Int, _ half: UnsafeMutablePointer<Float>
  ) {
    for i in 0..<rows {
      for j in 0..<columns {
        let sum = half + (i * columns + j) * count
        sum.update(repeating: 0, count: count)
        for p in 0..<columns where l[i * columns + p] != 0 {
          let (factor, row) = (l[i * columns + p], x + (p * columns + j) * stride)
          for q in 0..<count { sum[q] += factor * row[q] }
        }
      }
    }
    for i in 0..<rows {
      for j in 0..<rows {
        let sum = result + (i * rows + j) * resultStride
        sum.update(repeating: 0, count: count)
        for p in 0..<columns where l[j * columns + p] != 0 {
          let (factor, row) = (l[j * columns + p], half + (i * columns + p) * count)
          for q in 0..<count { sum[q] += factor * row[q] }
        }
      }
    }
  }
}
