import CProcessor
import Layers

/// The sums of 6 kernels and 16 or 32 positions at a time, in registers.
package enum Registers: Rung {
  package static let title = "a tile of sums in registers"
  package static let reason = """
    Until here each product loads its sum and stores it again. A tile of sums stays in registers \
    from the first product to the last: for 6 weights and 2 vectors that are loaded there are 12 \
    products of vectors.
    """
  package static var source: SourceLocation { .here() }

  package static func scratchCount(_ sizes: Sizes) -> Int { sizes.depth * padded(sizes) }

  package static func forward(_ piece: Piece, scratch columns: UnsafeMutablePointer<Float>) {
    im2col(piece.sizes, piece.x, into: columns, stride: padded(piece.sizes))
    if hasAVX512 {
      forward(piece, columns, Tile<2>.self)
    } else {
      forward(piece, columns, Tile<1>.self)
    }
  }

  private static func forward<let vectors: Int>(
    _ piece: Piece, _ columns: UnsafePointer<Float>, _ tile: Tile<vectors>.Type
  ) {
    let s = piece.sizes
    for q in stride(from: 0, to: s.positions, by: 16 * vectors) {
      for k in stride(from: 0, to: s.kernels, by: 6) {
        var sums = Tile<vectors>(rows: min(6, s.kernels - k), bias: piece.b + k)
        sums.add(
          s.depth, piece.w + k * s.depth, stride: s.depth, columns + q, stride: padded(s))
        sums.store(
          piece.out + k * s.positions + q, stride: s.positions,
          columns: min(16 * vectors, s.positions - q))
      }
    }
  }

  /// The distance between two rows of columns: H'·W' rounded up to whole tiles. What the columns in
  /// between hold is computed with, and not stored.
  static func padded(_ s: Sizes) -> Int { (s.positions + 31) / 32 * 32 }
}

/// Whether a register of this build holds 16 numbers.
var hasAVX512: Bool { BUILT_FOR_AVX512 == 1 }

/// Six rows of sums, 16·vectors in each: with AVX-512 12 of 32 registers, with AVX2 12 of 16.
struct Tile<let vectors: Int> {
  typealias Row = InlineArray<vectors, SIMD16<Float>>
  private var sums: InlineArray<6, Row>
  /// How many rows exist, 1 to 6. The last one stands in for those beyond it.
  private let rows: Int

  /// Zeros.
  @inline(__always)
  init(rows: Int) {
    self.rows = rows
    sums = InlineArray(repeating: Row(repeating: SIMD16(repeating: 0)))
  }

  /// The sum in a row and a column.
  @inline(__always)
  subscript(row: Int, column: Int) -> Float { sums[row][column / 16][column % 16] }

  /// Each row begins with its bias.
  @inline(__always)
  init(rows: Int, bias: UnsafePointer<Float>) {
    self.rows = rows
    sums = InlineArray { Row(repeating: SIMD16(repeating: bias[min($0, rows - 1)])) }
  }

  /// Each row begins with what `out` holds, the columns that exist.
  @inline(__always)
  init(rows: Int, _ out: UnsafePointer<Float>, stride: Int, columns: Int) {
    self.init(rows: rows)
    for i in 0..<rows {
      for column in 0..<columns { sums[i][column / 16][column % 16] = out[i * stride + column] }
    }
  }

  /// sums[i, ·] += Σ_r a[i, r] · b[r, ·]
  @inline(__always)
  mutating func add(
    _ depth: Int, _ a: UnsafePointer<Float>, stride aStride: Int,
    _ b: UnsafePointer<Float>, stride bStride: Int
  ) {
    let starts = InlineArray<6, Int> { [rows] in min($0, rows - 1) * aStride }
    var sums = sums
    for r in 0..<depth {
      let row = Row { UnsafeRawPointer(b + r * bStride + 16 * $0).loadUnaligned(as: SIMD16.self) }
      for i in 0..<6 {
        let weight = SIMD16(repeating: a[starts[i] + r])
        for v in 0..<vectors { sums[i][v].addProduct(weight, row[v]) }
      }
    }
    self.sums = sums
  }

  /// out[i, ·] = sums[i, ·], the columns that exist
  @inline(__always)
  func store(_ out: UnsafeMutablePointer<Float>, stride: Int, columns: Int) {
    for i in 0..<rows {
      for column in 0..<columns { out[i * stride + column] = sums[i][column / 16][column % 16] }
    }
  }
}
