import CProcessor
import Fast
import Tensors

/// A matrix product on the calling thread, with packing and cache blocking.
///
///     C[M×N] = Σ_p A[M×p] · B[p×N]
///
/// - NR columns of B are copied into a packed panel, in the order in which a tile (`Microkernel`)
///   needs them. All rows of A share it.
/// - A is read where it lies, one number for each row and step. OpenBLAS packs both.
/// - The sum is cut into chunks and A into blocks of rows: a panel stays in the first-level cache
///   of its core, and a block in the second-level cache.
/// - While a tile is computed, its place in C and some of the next panel are fetched from memory.
/// - If B is transposed, Cᵀ = Bᵀ·Aᵀ is computed: then B is read where it lies, A is packed, and tiles
///   are transposed on their way to C.
///
/// At the edges of the matrices, panels are filled up with zeros, and the last row of A stands in for
/// those beyond it. What comes of either isn't stored.
///
/// Source: K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
struct GEMM {
  private let a, b, c: Matrix<Float>
  /// Whether Cᵀ is computed.
  private let isSwapped: Bool
  /// Whether C holds something to add to.
  private let adding: Bool

  /// The length of a chunk of the sum. A panel of 256 × 48 numbers has 48 KiB; with a first-level
  /// cache of 32 KiB, lengths from 128 to 512 came to the same. Tiles that have to be transposed
  /// should be so seldom, so their chunks are longer.
  private var innerAtOnce: Int { isSwapped ? 640 : 256 }
  /// The rows of a block, in strips. A strip is a whole number of tiles and of blocks to transpose.
  private static var stripsAtOnce: Int { 10 }
  private static var strip: Int { 48 }

  /// Working memory, kept from product to product.
  private static let pool = WorkspacePool()

  /// C ← A·B, or C ← C + A·B. C isn't transposed.
  ///
  /// - Complexity: O(M·N·inner) multiply-adds; lends 48·(chunk + 48) numbers.
  static func multiply(
    _ a: Matrix<Float>, _ b: Matrix<Float>, into c: Matrix<Float>, adding: Bool = false
  ) {
    require(
      a.columns == b.rows && c.rows == a.rows && c.columns == b.columns && !c.isTransposed,
      "\(a.rows)×\(a.columns) times \(b.rows)×\(b.columns) is not \(c.rows)×\(c.columns)")
    let product =
      b.isTransposed
      ? GEMM(a: b.transposed, b: a.transposed, c: c.transposed, isSwapped: true, adding: adding)
      : GEMM(a: a, b: b, c: c, isSwapped: false, adding: adding)
    product.run()
  }

  private func run() {
    guard c.rows > 0, c.columns > 0 else { return }
    let chunks = Partition(a.columns, partsOfAtMost: innerAtOnce)
    let strips = (a.rows + Self.strip - 1) / Self.strip
    let blocks = Partition(strips, partsOfAtMost: Self.stripsAtOnce)
    let panelCount = chunks.largest * Tile.columns
    Self.pool.lend(panelCount + Self.strip * Tile.columns, of: Float.self) { memory in
      for chunk in 0..<chunks.parts {
        for block in 0..<blocks.parts {
          let rows = blocks[block].lowerBound * Self.strip
          var j = 0
          while j < b.columns {
            let columns = Tile.columns(for: b.columns - j)
            PanelProduct(
              a: a, b: b, c: c, isSwapped: isSwapped, adding: adding || chunk > 0,
              chunk: chunks[chunk],
              rows: rows..<min(blocks[block].upperBound * Self.strip, a.rows),
              columns: j..<min(j + columns, b.columns), panel: memory, strip: memory + panelCount
            ).run(columns: columns)
            j += columns
          }
        }
      }
    }
  }

  /// Some rows of C by the columns of a panel, over a chunk of the sum.
  private struct PanelProduct: TiledWork {
    let a, b, c: Matrix<Float>
    let isSwapped, adding: Bool
    let chunk, rows, columns: Range<Int>
    /// Working memory: panel (chunk, NR), strip (48, NR).
    let panel, strip: UnsafeMutablePointer<Float>

    @inline(never)
    func run<let r: Int, let v: Int>(_ kernel: Microkernel<r, v>.Type) {
      let width = Microkernel<r, v>.columns
      if b.isTransposed { packTransposed(width) } else { pack(width) }
      if isSwapped {
        for i in stride(from: rows.lowerBound, to: rows.upperBound, by: GEMM.strip) {
          let strip = i..<min(i + GEMM.strip, rows.upperBound)
          for row in stride(from: i, to: strip.upperBound, by: r) {
            multiply(
              kernel, row, into: self.strip + (row - i) * width, stride: width, adding: false)
          }
          storeTransposed(strip, width)
        }
      } else {
        for i in stride(from: rows.lowerBound, to: rows.upperBound, by: r) { store(kernel, i) }
      }
    }

    /// panel[p, x] = B[p, columns[x]], then zeros.
    @inline(__always)
    private func pack(_ width: Int) {
      for (p, row) in chunk.enumerated() {
        let source = UnsafePointer(b.memory) + row * b.stride + columns.lowerBound
        let target = panel + p * width
        if columns.count == width {
          for x in stride(from: 0, to: width, by: 16) { target.store(source.vector(at: x), at: x) }
        } else {
          for x in 0..<columns.count { target[x] = source[x] }
          (target + columns.count).fill(width - columns.count, with: 0)
        }
      }
    }

    /// The same of a transposed B.
    @inline(__always)
    private func packTransposed(_ width: Int) {
      let source = UnsafePointer(b.memory) + columns.lowerBound * b.stride + chunk.lowerBound
      let end = source + (columns.count - 1) * b.stride + chunk.count
      transpose(rows: width, columns: chunk.count) { x, p, count in
        guard x < columns.count else { return Vector(repeating: 0) }
        return (source + x * b.stride + p).vector(first: count, before: end)
      } to: { x, p, _, vector in
        panel.store(vector, at: p * width + x)
      }
    }

    /// The sums of a tile of rows from i on, written or added to a whole tile of memory.
    ///
    /// Not inlined: among other tiles' code, the compiler writes the sums to the stack in each step.
    @inline(never)
    private func multiply<let r: Int, let v: Int>(
      _ kernel: Microkernel<r, v>.Type, _ i: Int, into memory: UnsafeMutablePointer<Float>,
      stride: Int, adding: Bool
    ) {
      let (rowStride, step) = a.isTransposed ? (1, a.stride) : (a.stride, 1)
      let first = UnsafePointer(a.memory) + i * rowStride + chunk.lowerBound * step
      let offsets = Microkernel<r, v>.offsets(min(r, rows.upperBound - i), stride: rowStride)
      let panel = UnsafePointer(panel)
      let width = Microkernel<r, v>.columns
      // Each of the first tiles brings a line of each of the next panel's rows near. These rows needn't
      // start with a line, so that there may be one line more than they are long.
      let tile = (i - rows.lowerBound) / r
      let fetches = !b.isTransposed && tile <= v
      let next =
        fetches
        ? UnsafePointer(b.memory) + chunk.lowerBound * b.stride + columns.lowerBound + width
          + 16 * tile
        : panel
      let nextStride = fetches ? b.stride : 0
      Microkernel<r, v>.multiply(
        inner: chunk.count, first, offsets, step: step, into: memory, stride: stride, adding: adding
      ) { p in
        prefetch_to_read(next + p * nextStride)
        return Microkernel<r, v>.row(panel + p * width)
      }
    }

    /// A tile of C from row i on.
    @inline(__always)
    private func store<let r: Int, let v: Int>(_ kernel: Microkernel<r, v>.Type, _ i: Int) {
      let target = c.memory + i * c.stride + columns.lowerBound
      let count = min(r, rows.upperBound - i)
      for row in 0..<count {
        for line in 0...v { prefetch_to_write(target + row * c.stride + 16 * line) }
      }
      let width = Microkernel<r, v>.columns
      if count == r && columns.count == width {
        return multiply(kernel, i, into: target, stride: c.stride, adding: adding)
      }
      multiply(kernel, i, into: strip, stride: width, adding: false)
      for row in 0..<count {
        let target = target + row * c.stride
        for x in 0..<columns.count {
          target[x] = (adding ? target[x] : 0) + strip[row * width + x]
        }
      }
    }

    /// The columns of C that are a strip of rows of Cᵀ.
    @inline(__always)
    private func storeTransposed(_ rows: Range<Int>, _ width: Int) {
      let target = c.memory + columns.lowerBound * c.stride + rows.lowerBound
      transpose(rows: rows.count, columns: columns.count) { i, x, _ in
        UnsafePointer(strip).vector(at: i * width + x)
      } to: { i, x, count, vector in
        let row = target + x * c.stride + i
        if count == 16 {
          row.store(adding ? UnsafePointer(row).vector(at: 0) + vector : vector, at: 0)
        } else {
          for i in 0..<count { row[i] = (adding ? row[i] : 0) + vector[i] }
        }
      }
    }
  }
}
