import Layers

/// The product in blocks that fit into the first-level cache.
package enum Blocked: Rung {
  package static let title = "the product blocked for caches"
  package static let reason = """
    Rung 2 reads all columns from memory anew for each kernel. A block of 64 rows and 120 positions \
    has 30 KiB: it stays in the first-level cache while all kernels use it.
    """
  package static var source: SourceLocation { .here() }

  package static func scratchCount(_ sizes: Sizes) -> Int { sizes.depth * sizes.positions }

  package static func forward(_ piece: Piece, scratch columns: UnsafeMutablePointer<Float>) {
    let s = piece.sizes
    im2col(s, piece.x, into: columns, stride: s.positions)
    for k in 0..<s.kernels {
      (piece.out + k * s.positions).update(repeating: piece.b[k], count: s.positions)
    }
    for firstPosition in stride(from: 0, to: s.positions, by: 120) {
      let positions = firstPosition..<min(s.positions, firstPosition + 120)
      for firstRow in stride(from: 0, to: s.depth, by: 64) {
        let rows = firstRow..<min(s.depth, firstRow + 64)
        for k in 0..<s.kernels {
          let out = piece.out + k * s.positions
          for r in rows {
            let (weight, row) = (piece.w[k * s.depth + r], columns + r * s.positions)
            for q in positions { out[q] += weight * row[q] }
          }
        }
      }
    }
  }
}
