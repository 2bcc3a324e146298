/// A tile of a matrix product: 8 rows by as many columns as a `Row` has, kept in registers.
///
/// Eight rows of three vectors take 24 of the 32 registers that a processor with AVX-512 has. Each
/// step loads three vectors and eight numbers for 24 multiplications: enough of them to hide how
/// long each takes, and so few loads that they don't wait for memory.
struct ProductTile<Row: TileRow> {
  private var (row0, row1, row2, row3) = (Row(), Row(), Row(), Row())
  private var (row4, row5, row6, row7) = (Row(), Row(), Row(), Row())

  /// Zeros.
  @inline(__always)
  init() {}

  /// Adds Σ_p a[i, p] · b[p, ·] to rows i < 8.
  ///
  /// - Parameters:
  ///   - inner: the length of the sum.
  ///   - a: element [i, p] lies at i·rowStride + p·step. After the last step, the pointer stands
  ///     behind what is read.
  ///   - rows: how many rows of `a` exist, 1 to 8; for those beyond, the last one is read again.
  ///   - b: row p.
  @inline(__always)
  mutating func add(
    inner: Int, _ a: UnsafePointer<Float>, rowStride: Int, rows: Int, step: Int, b: (Int) -> Row
  ) {
    func offset(_ row: Int) -> Int { min(row, rows - 1) * rowStride }
    let (offset1, offset2, offset3) = (offset(1), offset(2), offset(3))
    let (offset4, offset5, offset6, offset7) = (offset(4), offset(5), offset(6), offset(7))
    var a = a
    for p in 0..<inner {
      let vectors = b(p)
      row0.add(a[0], times: vectors)
      row1.add(a[offset1], times: vectors)
      row2.add(a[offset2], times: vectors)
      row3.add(a[offset3], times: vectors)
      row4.add(a[offset4], times: vectors)
      row5.add(a[offset5], times: vectors)
      row6.add(a[offset6], times: vectors)
      row7.add(a[offset7], times: vectors)
      a += step
    }
  }

  /// Adds 8 rows of `Row.count` numbers of memory, each `stride` from the next.
  @inline(__always)
  mutating func add(_ memory: UnsafePointer<Float>, stride: Int) {
    row0.add(Row(memory))
    row1.add(Row(memory + stride))
    row2.add(Row(memory + 2 * stride))
    row3.add(Row(memory + 3 * stride))
    row4.add(Row(memory + 4 * stride))
    row5.add(Row(memory + 5 * stride))
    row6.add(Row(memory + 6 * stride))
    row7.add(Row(memory + 7 * stride))
  }

  /// Writes 8 rows of `Row.count` numbers of memory, each `stride` from the next.
  @inline(__always)
  func store(_ memory: UnsafeMutablePointer<Float>, stride: Int) {
    row0.store(memory)
    row1.store(memory + stride)
    row2.store(memory + 2 * stride)
    row3.store(memory + 3 * stride)
    row4.store(memory + 4 * stride)
    row5.store(memory + 5 * stride)
    row6.store(memory + 6 * stride)
    row7.store(memory + 7 * stride)
  }
}

/// How many columns a tile should have where `count` are left: 48, but fewer at the end. Of 16 alone,
/// a tile is too small to keep the processor busy.
func tileWidth(for count: Int) -> Int {
  switch count {
  case ...16: 16
  case ...32, 49...64: 32
  default: 48
  }
}

/// A row of a tile, in vectors of 16 numbers.
protocol TileRow {
  /// The numbers of a row.
  static var count: Int { get }
  /// Zeros.
  init()
  /// `count` numbers of memory.
  init(_ memory: UnsafePointer<Float>)
  /// Adds factor · row, each product and sum rounded once.
  mutating func add(_ factor: Float, times row: Self)
  /// Adds a row.
  mutating func add(_ row: Self)
  /// Writes `count` numbers.
  func store(_ memory: UnsafeMutablePointer<Float>)
}

/// One vector.
struct Row16: TileRow {
  static var count: Int { 16 }
  private var a: SIMD16<Float>

  @inline(__always)
  init() { a = SIMD16(repeating: 0) }

  @inline(__always)
  init(_ memory: UnsafePointer<Float>) { a = memory.vector(at: 0) }

  @inline(__always)
  mutating func add(_ factor: Float, times row: Self) {
    a = a.addingProduct(SIMD16(repeating: factor), row.a)
  }

  @inline(__always)
  mutating func add(_ row: Self) { a += row.a }

  @inline(__always)
  func store(_ memory: UnsafeMutablePointer<Float>) { memory.store(a, at: 0) }
}

/// Two rows side by side.
struct RowPair<First: TileRow, Second: TileRow>: TileRow {
  static var count: Int { First.count + Second.count }
  private var first: First
  private var second: Second

  @inline(__always)
  init() { (first, second) = (First(), Second()) }

  @inline(__always)
  init(_ memory: UnsafePointer<Float>) {
    (first, second) = (First(memory), Second(memory + First.count))
  }

  @inline(__always)
  mutating func add(_ factor: Float, times row: Self) {
    first.add(factor, times: row.first)
    second.add(factor, times: row.second)
  }

  @inline(__always)
  mutating func add(_ row: Self) {
    first.add(row.first)
    second.add(row.second)
  }

  @inline(__always)
  func store(_ memory: UnsafeMutablePointer<Float>) {
    first.store(memory)
    second.store(memory + First.count)
  }
}

/// Two vectors.
typealias Row32 = RowPair<Row16, Row16>

/// Three vectors.
typealias Row48 = RowPair<Row32, Row16>
