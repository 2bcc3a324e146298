import Layers

/// Tiles of 6 positions × 16 or 32 kernels, straight from the image: no columns.
package enum Direct: Rung {
  package static let title = "direct, without columns"
  package static let reason = """
    im2col writes each input 25 times for 5×5 kernels and reads it again. If the tile's vectors hold \
    kernels and not positions, one number of the image is enough for 32 products: it is read where \
    it lies, at any stride, and only the weights are packed.
    """
  package static var source: SourceLocation { .here() }

  package static func scratchCount(_ s: Sizes) -> Int {
    s.channels * (s.height + 2 * s.pad) * (s.width + 2 * s.pad) + s.depth * 32
  }

  package static func forward(_ piece: Piece, scratch: UnsafeMutablePointer<Float>) {
    if hasAVX512 {
      forward(piece, scratch, Tile<2>.self)
    } else {
      forward(piece, scratch, Tile<1>.self)
    }
  }

  private static func forward<let vectors: Int>(
    _ piece: Piece, _ image: UnsafeMutablePointer<Float>, _ tile: Tile<vectors>.Type
  ) {
    let (s, width) = (piece.sizes, 16 * vectors)
    // image: (C, H + 2p, W + 2p), with zeros all around; panel: (C·I·J, width)
    let (rows, columns) = (s.height + 2 * s.pad, s.width + 2 * s.pad)
    let panel = image + s.channels * rows * columns
    image.update(repeating: 0, count: s.channels * rows * columns)
    for row in 0..<s.channels * s.height {
      let (c, y) = (row / s.height, row % s.height)
      (image + (c * rows + y + s.pad) * columns + s.pad).update(
        from: piece.x + row * s.width, count: s.width)
    }
    for first in stride(from: 0, to: s.kernels, by: width) {
      let kernels = min(width, s.kernels - first)
      panel.update(repeating: 0, count: s.depth * width)
      for k in 0..<kernels {
        for r in 0..<s.depth { panel[r * width + k] = piece.w[(first + k) * s.depth + r] }
      }
      for y in 0..<s.outHeight {
        for x in stride(from: 0, to: s.outWidth, by: 6) {
          let positions = min(6, s.outWidth - x)
          var sums = Tile<vectors>(rows: positions)
          for c in 0..<s.channels {
            for i in 0..<s.size {
              let row = (c * rows + y * s.stride + i) * columns + x * s.stride
              sums.add(
                s.size, image + row, stride: s.stride,
                panel + (c * s.size + i) * s.size * width, stride: width)
            }
          }
          for k in 0..<kernels {
            let out = piece.out + (first + k) * s.positions + y * s.outWidth + x
            for t in 0..<positions { out[t] = piece.b[first + k] + sums[t, k] }
          }
        }
      }
    }
  }

  package static func run(_ pieces: [Piece], scratch: [UnsafeMutablePointer<Float>]) {
    onThreads(pieces.count, scratch: scratch) { i, scratch in forward(pieces[i], scratch: scratch) }
  }
}
