import CProcessor
import Fast

/// A matrix product of `Float`s in 512-bit vectors: C ← A·B, or C ← C + A·B, on one thread.
///
///     C[M×N] = Σ_p A[M×p] · B[p×N]
///
/// C is computed in tiles of 8 rows by up to 48 columns, which stay in 24 of the processor's 32
/// vector registers while the sum runs (`ProductTile`). Tricks:
/// - 48 columns of B are copied into a panel, in the order in which a tile needs them. Many rows of A
///   share it, so the copy costs little; and where rows are copied as they are, the first tile copies
///   them while it multiplies.
/// - A is read where it lies, one number for each row and step: it is never copied, where OpenBLAS
///   rearranges both.
/// - The sum is cut into chunks and A into blocks of rows: a panel stays in the first-level cache
///   of its core, and the block in the second-level cache.
/// - While a tile is computed, its place in C and some of the next panel's rows are on their way
///   from memory.
/// - If B is transposed, Cᵀ = Bᵀ·Aᵀ is computed: now B is read where it lies, and A is copied. Tiles
///   are transposed back on their way to C.
///
/// Panels that are cut by an edge of the matrix are filled up with zeros, and rows beyond the edge
/// are computed from a row that exists; neither is stored. So of A, B and C no element is touched
/// that isn't there: rows i are in `Block.rows` ⊆ 0..<M, steps p in `Block.chunk` ⊆ 0..<inner, and
/// columns j..<j + `width` end with N; a whole vector is only loaded or stored where 16 of them are.
///
/// Source: K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008,
/// for tiles and panels.
struct MatrixProduct {
  /// M, N and the length of the sum.
  private let rows, columns, inner: Int
  /// A[i, p] lies at i·`rowStride` + p·`step`.
  private let a: UnsafePointer<Float>
  private let rowStride, step: Int
  /// B[p, j] lies at p·`bStride` + j, or at j·`bStride` + p if transposed.
  private let b: UnsafePointer<Float>
  private let bStride: Int
  private let isBTransposed: Bool
  /// C[i, j] lies at i·`cStride` + j, or at j·`cStride` + i if transposed.
  private let c: UnsafeMutablePointer<Float>
  private let cStride: Int
  private let isCTransposed: Bool
  /// Whether C holds something to add to.
  private let adding: Bool

  /// Whether to work in blocks, to copy while multiplying and to fetch ahead.
  private let isCached: Bool

  /// The length of a chunk of the sum: a panel of 256 × 48 numbers fills a first-level cache of
  /// 48 KiB; with one of 32 KiB, lengths from 128 to 512 came to the same.
  /// Tiles that have to be transposed should be so seldom, so their chunks are longer.
  private var innerAtOnce: Int {
    guard isCached else { return max(inner, 1) }
    return isCTransposed ? 640 : 256
  }
  /// The strips of 16 rows of A that share a panel.
  private var stripsAtOnce: Int { isCached ? 32 : max(strips, 1) }
  private var strips: Int { (rows + 15) / 16 }

  /// Working memory, kept from product to product.
  private static let pool = WorkspacePool()

  /// A·B of row-major matrices: the arguments of `TunedScalar.gemm`, and whether to care for the
  /// caches.
  init(
    rows: Int, columns: Int, inner: Int,
    _ a: UnsafePointer<Float>, stride aStride: Int, transposed isATransposed: Bool,
    _ b: UnsafePointer<Float>, stride bStride: Int, transposed isBTransposed: Bool,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int, adding: Bool, isCached: Bool = true
  ) {
    self.inner = inner
    (self.c, self.cStride, self.adding, self.isCached) = (c, cStride, adding, isCached)
    isCTransposed = isBTransposed
    if isBTransposed {
      (self.rows, self.columns) = (columns, rows)
      (self.a, rowStride, step) = (b, bStride, 1)
      (self.b, self.bStride, self.isBTransposed) = (a, aStride, !isATransposed)
    } else {
      (self.rows, self.columns) = (rows, columns)
      (self.a, rowStride, step) = isATransposed ? (a, 1, aStride) : (a, aStride, 1)
      (self.b, self.bStride, self.isBTransposed) = (b, bStride, false)
    }
  }

  /// Computes C.
  func run() {
    guard rows > 0, columns > 0 else { return }
    let chunks = Partition(inner, partsOfAtMost: innerAtOnce)
    let blocks = Partition(strips, partsOfAtMost: stripsAtOnce)
    let (panelCount, tileCount) = (chunks.largest * Row48.count, 16 * Row48.count)
    Self.pool.lend(panelCount + tileCount + Square.count) { memory in
      for chunk in 0..<chunks.parts {
        for block in 0..<blocks.parts {
          let block = Block(
            product: self, chunk: chunks[chunk],
            rows: blocks[block].lowerBound * 16..<min(blocks[block].upperBound * 16, rows),
            adding: adding || chunk > 0, panel: memory, tile: memory + panelCount,
            square: memory + panelCount + tileCount)
          block.run()
        }
      }
    }
  }

  /// Some rows, over a chunk of the sum.
  private struct Block {
    let product: MatrixProduct
    let chunk: Range<Int>
    let rows: Range<Int>
    let adding: Bool
    /// Working memory: chunk × 48, 16 × 48 and 16 × 16 numbers.
    let panel, tile, square: UnsafeMutablePointer<Float>

    /// Panel by panel.
    func run() {
      var j = 0
      while j < product.columns {
        switch tileWidth(for: product.columns - j) {
        case 16: j += multiply(Row16.self, j)
        case 32: j += multiply(Row32.self, j)
        default: j += multiply(Row48.self, j)
        }
      }
    }

    /// The columns from j on that a tile has room for; returns how many.
    @inline(never)
    private func multiply<Row: TileRow>(_ row: Row.Type, _ j: Int) -> Int {
      let width = min(Row.count, product.columns - j)
      if product.isBTransposed {
        fillTransposed(row, j, width)
      } else if !copiesInFirstTile(row, j) {
        fill(row, j, width)
      }
      for i in stride(from: rows.lowerBound, to: rows.upperBound, by: 16) {
        let count = min(16, rows.upperBound - i)
        if product.isCTransposed {
          storeTransposed(row, i, count, j, width)
        } else {
          store(row, i, min(8, count), j, width)
          if count > 8 { store(row, i + 8, count - 8, j, width) }
        }
      }
      return width
    }

    /// panel[p, x] = B[p, j + x] for x < `width`, then zeros.
    @inline(__always)
    private func fill<Row: TileRow>(_ row: Row.Type, _ j: Int, _ width: Int) {
      for (p, row) in chunk.enumerated() {
        let source = product.b + row * product.bStride + j
        let target = panel + p * Row.count
        for x in 0..<width { target[x] = source[x] }
        for x in width..<Row.count { target[x] = 0 }
      }
    }

    /// The same of Bᵀ: where 16 rows and 16 columns exist, by squares.
    @inline(__always)
    private func fillTransposed<Row: TileRow>(_ row: Row.Type, _ j: Int, _ width: Int) {
      let source = product.b + j * product.bStride + chunk.lowerBound
      let whole = width == Row.count ? chunk.count / 16 * 16 : 0
      for p in stride(from: 0, to: whole, by: 16) {
        for x in stride(from: 0, to: width, by: 16) {
          Square.transpose(source + x * product.bStride + p, stride: product.bStride, to: square)
          for i in 0..<16 {
            let target = panel + (p + i) * Row.count + x
            target.store(UnsafePointer(square).vector(at: i * 16), at: 0)
          }
        }
      }
      for p in whole..<chunk.count {
        let target = panel + p * Row.count
        for x in 0..<width { target[x] = source[x * product.bStride + p] }
        for x in width..<Row.count { target[x] = 0 }
      }
    }

    /// Whether the first tile copies the columns from j on into the panel, while it reads them. Where
    /// tiles are transposed, that made products half as fast.
    private func copiesInFirstTile<Row: TileRow>(_ row: Row.Type, _ j: Int) -> Bool {
      product.isCached && !product.isBTransposed && !product.isCTransposed
        && j + Row.count <= product.columns
    }

    /// The sums of rows i..<i + `count` ≤ 8 over some rows of B.
    @inline(__always)
    private func sums<Row: TileRow>(
      _ i: Int, _ count: Int, _ b: (Int) -> Row
    ) -> ProductTile<Row> {
      var sums = ProductTile<Row>()
      sums.add(
        inner: chunk.count,
        product.a + i * product.rowStride + chunk.lowerBound * product.step,
        rowStride: product.rowStride, rows: count, step: product.step, b: b)
      return sums
    }

    /// The sums of rows i..<i + `count` ≤ 8 over the panel.
    @inline(__always)
    private func sums<Row: TileRow>(_ row: Row.Type, _ i: Int, _ count: Int) -> ProductTile<Row> {
      let panel = panel
      return sums(i, count) { Row(panel + $0 * Row.count) }
    }

    /// The same over the columns of B from j on. The first tile reads B itself and leaves the panel
    /// behind; each tile after it brings one more line of each row near, for the next panel.
    @inline(__always)
    private func sumsAlongCopying<Row: TileRow>(
      _ row: Row.Type, _ i: Int, _ count: Int, _ j: Int
    ) -> ProductTile<Row> {
      let (panel, stride) = (panel, product.bStride)
      let b = product.b + chunk.lowerBound * stride + j
      let number = (i - rows.lowerBound) / 8
      guard number > 0 else {
        return sums(i, count) { p in
          let row = Row(b + p * stride)
          row.store(panel + p * Row.count)
          return row
        }
      }
      // Rows of B need not start with a line, so that a row of the panel may lie in one line more.
      guard number <= Row.count / 16 + 1 else { return sums(row, i, count) }
      let next = b + Row.count + 16 * (number - 1)
      return sums(i, count) { p in
        prefetch_to_read(next + p * stride)
        return Row(panel + p * Row.count)
      }
    }

    /// C[i, j], `count` ≤ 8 rows by `width` columns.
    @inline(__always)
    private func store<Row: TileRow>(
      _ row: Row.Type, _ i: Int, _ count: Int, _ j: Int, _ width: Int
    ) {
      let target = product.c + i * product.cStride + j
      if product.isCached {
        for i in 0..<count {
          for line in stride(from: 0, through: Row.count, by: 16) {
            prefetch_to_write(target + i * product.cStride + line)
          }
        }
      }
      var sums =
        copiesInFirstTile(row, j) ? sumsAlongCopying(row, i, count, j) : sums(row, i, count)
      if count == 8 && width == Row.count {
        if adding { sums.add(target, stride: product.cStride) }
        sums.store(target, stride: product.cStride)
        return
      }
      sums.store(tile, stride: Row48.count)
      storeElements(
        target, rows: (count, stride: product.cStride), columns: (width, stride: 1))
    }

    /// The tile's element [i, x] to i·rows.stride + x·columns.stride.
    @inline(__always)
    private func storeElements(
      _ target: UnsafeMutablePointer<Float>, rows: (count: Int, stride: Int),
      columns: (count: Int, stride: Int)
    ) {
      for i in 0..<rows.count {
        for x in 0..<columns.count {
          let element = target + i * rows.stride + x * columns.stride
          let sum = tile[i * Row48.count + x]
          element.pointee = adding ? element.pointee + sum : sum
        }
      }
    }

    /// C[j, i], `width` rows by `count` ≤ 16 columns: whole vectors where there are 16 of them.
    @inline(__always)
    private func storeTransposed<Row: TileRow>(
      _ row: Row.Type, _ i: Int, _ count: Int, _ j: Int, _ width: Int
    ) {
      sums(row, i, min(8, count)).store(tile, stride: Row48.count)
      if count > 8 {
        sums(row, i + 8, count - 8).store(tile + 8 * Row48.count, stride: Row48.count)
      }
      let target = product.c + j * product.cStride + i
      guard count == 16 else {
        return storeElements(
          target, rows: (count, stride: 1), columns: (width, stride: product.cStride))
      }
      for first in stride(from: 0, to: width, by: 16) {
        Square.transpose(tile + first, stride: Row48.count, to: square)
        for x in first..<min(first + 16, width) {
          let sum = UnsafePointer(square).vector(at: (x - first) * 16)
          let row = target + x * product.cStride
          row.store(adding ? UnsafePointer(row).vector(at: 0) + sum : sum, at: 0)
        }
      }
    }
  }
}
