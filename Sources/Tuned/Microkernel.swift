import CProcessor

/// A tile of a matrix product, kept in registers while the sum runs.
///
///     C[MR×NR] += Σ_p a[MR, p] · b[p, NR]
///
/// MR is `rows` and NR is 16·`vectors`. Each step loads a row of b and one number of each row of a,
/// for MR·NR multiplications: enough of them to hide how long each takes, and so few loads that they
/// don't wait for memory. How large a tile the registers hold is a matter of the processor:
///
/// | | registers | MR×NR | of them sums, row of b, number of a |
/// |---|---|---|---|
/// | AVX-512 | 32 of 16 numbers | 8×48 | 24 + 3 + 1 |
/// | AVX2 | 16 of 8 | 6×16 | 12 + 2 + 1 |
/// | NEON | 32 of 4 | 6×16 | 24 + 4 + 2 |
///
/// Source: K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
struct Microkernel<let rows: Int, let vectors: Int> {
  /// NR.
  static var columns: Int { 16 * vectors }
  /// Numbers of a row.
  typealias Row = InlineArray<vectors, Vector>
  /// Where the rows of a begin.
  typealias Offsets = InlineArray<rows, Int>

  /// (MR, NR)
  private var sums = InlineArray<rows, Row>(repeating: Row(repeating: Vector(repeating: 0)))

  /// Zeros.
  @inline(__always)
  init() {}

  /// Adds Σ_p a[i, p] · b[p, ·] to each row i, each product and sum rounded once.
  ///
  /// - Parameters:
  ///   - inner: the length of the sum.
  ///   - a: element [i, p] lies at offsets[i] + p·step.
  ///   - b: row p.
  @inline(__always)
  mutating func add(
    inner: Int, _ a: UnsafePointer<Float>, _ offsets: Offsets, step: Int, b: (_ p: Int) -> Row
  ) {
    // A copy whose address nobody has: it stays in registers, whatever happens to `self`.
    var sums = sums
    var a = a
    for p in 0..<inner {
      let row = b(p)
      for i in 0..<rows {
        let factor = Vector(repeating: a[offsets[i]])
        // ← Σ_c, Σ_j, w, in; ∂w Σ_x, ∂L/∂out, in; ∂in Σ_k, Σ_j, w, ∂L/∂out
        for j in 0..<vectors { sums[i][j].addProduct(factor, row[j]) }
      }
      a += step
    }
    self.sums = sums
  }

  /// Writes Σ_p a[i, p] · b[p, ·] to memory (MR, NR), or adds it to what is there: `add` and `store` in
  /// one, for short sums. The arguments are those of `add`.
  @inline(__always)
  static func multiply(
    inner: Int, _ a: UnsafePointer<Float>, _ offsets: Offsets, step: Int,
    into memory: UnsafeMutablePointer<Float>, stride: Int, adding: Bool, b: (_ p: Int) -> Row
  ) {
    var sums = InlineArray<rows, Row>(repeating: Row(repeating: Vector(repeating: 0)))
    var a = a
    for p in 0..<inner {
      let row = b(p)
      for i in 0..<rows {
        let factor = Vector(repeating: a[offsets[i]])
        for j in 0..<vectors { sums[i][j].addProduct(factor, row[j]) }
      }
      a += step
    }
    // At the end: a sum of many sums rounds less than one running sum.
    if adding {
      for i in 0..<rows {
        for j in 0..<vectors {
          sums[i][j] += UnsafePointer(memory).vector(at: i * stride + 16 * j)
        }
      }
    }
    for i in 0..<rows {
      for j in 0..<vectors { memory.store(sums[i][j], at: i * stride + 16 * j) }
    }
  }

  /// Adds memory: (MR, NR), each row `stride` from the next.
  @inline(__always)
  mutating func add(_ memory: UnsafePointer<Float>, stride: Int) {
    for i in 0..<rows {
      for j in 0..<vectors { sums[i][j] += memory.vector(at: i * stride + 16 * j) }
    }
  }

  /// Writes memory: (MR, NR), each row `stride` from the next.
  @inline(__always)
  func store(_ memory: UnsafeMutablePointer<Float>, stride: Int) {
    for i in 0..<rows {
      for j in 0..<vectors { memory.store(sums[i][j], at: i * stride + 16 * j) }
    }
  }

  /// A row of b: NR numbers of memory.
  @inline(__always)
  static func row(_ memory: UnsafePointer<Float>) -> Row {
    Row { memory.vector(at: 16 * $0) }
  }

  /// `count` rows of a, each `stride` from the next. The last one stands in for those beyond it.
  @inline(__always)
  static func offsets(_ count: Int, stride: Int) -> Offsets {
    Offsets { min($0, count - 1) * stride }
  }
}

/// The tiles of this build: as large as its registers hold.
enum Tile {
  /// Whether sums of products are one instruction, without which all of this isn't worth it.
  static var isSupported: Bool { BUILT_FOR_FMA == 1 }
  /// MR.
  static var rows: Int { BUILT_FOR_AVX512 == 1 ? 8 : 6 }
  /// NR, at most.
  static var columns: Int { BUILT_FOR_AVX512 == 1 ? 48 : 16 }

  /// How many columns a tile should have where `count` are left: as many as there can be, but fewer
  /// at the end. Of 16 columns, a tile of AVX-512 is too small to keep the processor busy.
  static func columns(for count: Int) -> Int {
    switch count {
    case ...16: 16
    case ...32, 49...64: min(32, columns)
    default: columns
    }
  }
}

/// Work that is written once for tiles of all sizes.
protocol TiledWork {
  /// Does it in tiles of one size.
  func run<let rows: Int, let vectors: Int>(_ kernel: Microkernel<rows, vectors>.Type)
}

extension TiledWork {
  /// Does it in tiles of `columns`, a number that `Tile.columns(for:)` gives.
  @inline(__always)
  func run(columns: Int) {
    guard Tile.rows == 8 else { return run(Microkernel<6, 1>.self) }
    switch columns {
    case 16: run(Microkernel<8, 1>.self)
    case 32: run(Microkernel<8, 2>.self)
    default: run(Microkernel<8, 3>.self)
    }
  }
}
