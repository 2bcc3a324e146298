import Layers

/// The columns of a tile are copied side by side before they are used.
package enum Packed: Rung {
  package static let title = "packed panels"
  package static let reason = """
    For a tile of rung 4 each row of columns begins on another page of memory. A panel of 256 rows \
    is copied once, so that the rows of a tile follow each other. It has 32 KiB, and all kernels read \
    it from the first-level cache.
    """
  package static var source: SourceLocation { .here() }

  package static func scratchCount(_ sizes: Sizes) -> Int {
    sizes.depth * Registers.padded(sizes) + 256 * 32
  }

  package static func forward(_ piece: Piece, scratch: UnsafeMutablePointer<Float>) {
    im2col(piece.sizes, piece.x, into: scratch, stride: Registers.padded(piece.sizes))
    let panel = scratch + piece.sizes.depth * Registers.padded(piece.sizes)
    if hasAVX512 {
      forward(piece, scratch, panel, Tile<2>.self)
    } else {
      forward(piece, scratch, panel, Tile<1>.self)
    }
  }

  private static func forward<let vectors: Int>(
    _ piece: Piece, _ columns: UnsafePointer<Float>, _ panel: UnsafeMutablePointer<Float>,
    _ tile: Tile<vectors>.Type
  ) {
    let (s, width) = (piece.sizes, 16 * vectors)
    for q in stride(from: 0, to: s.positions, by: width) {
      let existing = min(width, s.positions - q)
      for first in stride(from: 0, to: s.depth, by: 256) {
        let rows = min(256, s.depth - first)
        for r in 0..<rows {
          (panel + r * width).update(
            from: columns + (first + r) * Registers.padded(s) + q, count: width)
        }
        for k in stride(from: 0, to: s.kernels, by: 6) {
          let out = piece.out + k * s.positions + q
          let kernels = min(6, s.kernels - k)
          var sums =
            first == 0
            ? Tile<vectors>(rows: kernels, bias: piece.b + k)
            : Tile<vectors>(rows: kernels, out, stride: s.positions, columns: existing)
          sums.add(rows, piece.w + k * s.depth + first, stride: s.depth, panel, stride: width)
          sums.store(out, stride: s.positions, columns: existing)
        }
      }
    }
  }
}
