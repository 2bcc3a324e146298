import Layers

/// The same products in another order: positions x innermost.
package enum Reordered: Rung {
  package static let title = "loops reordered, indices hoisted"
  package static let reason = """
    Neighbouring x are neighbours in memory, and their sums don't wait for each other: the compiler \
    computes 16 of them with one instruction. What doesn't depend on x is computed once a row, and \
    the if has become the ends of a range. But each product now reads and writes its sum in memory.
    """
  package static var source: SourceLocation { .here() }

  package static func forward(_ piece: Piece, scratch: UnsafeMutablePointer<Float>) {
    let s = piece.sizes
    for k in 0..<s.kernels {
      let out = piece.out + k * s.positions
      out.update(repeating: piece.b[k], count: s.positions)
      for c in 0..<s.channels {
        for i in 0..<s.size {
          let ys = s.inside(i, extent: s.height, positions: s.outHeight)
          for j in 0..<s.size {
            let xs = s.inside(j, extent: s.width, positions: s.outWidth)
            let weight = piece.w[((k * s.channels + c) * s.size + i) * s.size + j]
            for y in ys {
              let row = c * s.height + y * s.stride + i - s.pad
              let input = row * s.width + j - s.pad
              let outRow = out + y * s.outWidth
              for x in xs { outRow[x] += weight * piece.x[input + x * s.stride] }
            }
          }
        }
      }
    }
  }
}
