import Layers

/// The convolution as a product of two matrices, by im2col:
///
///     out (K, H'·W') = b + w (K, C·I·J) · columns (C·I·J, H'·W')
package enum Columns: BackwardRung {
  package static let title = "im2col and a naive product"
  package static let reason = """
    Each input is copied to all places where a kernel's window needs it. After that there is no \
    stride, no padding and no window: three loops are left, and the inner one is long.
    """
  package static var source: SourceLocation { .here() }

  package static func scratchCount(_ sizes: Sizes) -> Int { sizes.depth * sizes.positions }

  package static func forward(_ piece: Piece, scratch columns: UnsafeMutablePointer<Float>) {
    let s = piece.sizes
    im2col(s, piece.x, into: columns, stride: s.positions)
    for k in 0..<s.kernels {
      let out = piece.out + k * s.positions
      out.update(repeating: piece.b[k], count: s.positions)
      for r in 0..<s.depth {
        let (weight, row) = (piece.w[k * s.depth + r], columns + r * s.positions)
        for q in 0..<s.positions { out[q] += weight * row[q] }
      }
    }
  }

  /// ∂L/∂w (K, C·I·J) += ∂L/∂out (K, H'·W') · columnsᵀ
  package static func addWeightGradient(
    _ piece: GradientPiece, scratch columns: UnsafeMutablePointer<Float>
  ) {
    let s = piece.sizes
    im2col(s, piece.x, into: columns, stride: s.positions)
    for k in 0..<s.kernels {
      for r in 0..<s.depth {
        var sum: Float = 0
        for q in 0..<s.positions {
          sum += piece.dy[k * s.positions + q] * columns[r * s.positions + q]
        }
        piece.dw[k * s.depth + r] += sum
      }
    }
  }

  /// ∂L/∂columns = wᵀ · ∂L/∂out; col2im adds what the copies of an input got.
  package static func setInputGradient(
    _ piece: GradientPiece, scratch columns: UnsafeMutablePointer<Float>
  ) {
    let s = piece.sizes
    columns.update(repeating: 0, count: s.depth * s.positions)
    for k in 0..<s.kernels {
      for r in 0..<s.depth {
        let (weight, row) = (piece.w[k * s.depth + r], columns + r * s.positions)
        for q in 0..<s.positions { row[q] += weight * piece.dy[k * s.positions + q] }
      }
    }
    col2im(s, columns, into: piece.dx)
  }
}

/// Writes what the windows look at: row r = (c·I + i)·J + j, column (y, x).
///
/// - Parameter stride: the distance between two rows of the columns, H'·W' or more.
func im2col(
  _ s: Sizes, _ input: UnsafePointer<Float>, into columns: UnsafeMutablePointer<Float>, stride: Int
) {
  for r in 0..<s.depth {
    let (c, i, j) = (r / (s.size * s.size), r / s.size % s.size, r % s.size)
    let ys = s.inside(i, extent: s.height, positions: s.outHeight)
    let xs = s.inside(j, extent: s.width, positions: s.outWidth)
    let row = columns + r * stride
    row.update(repeating: 0, count: s.positions)
    for y in ys {
      let from = (c * s.height + y * s.stride + i - s.pad) * s.width + j - s.pad
      for x in xs { row[y * s.outWidth + x] = input[from + x * s.stride] }
    }
  }
}

/// Adds each number of the columns to where `im2col` takes it from: `im2col` read backwards.
func col2im(
  _ s: Sizes, _ columns: UnsafePointer<Float>, into input: UnsafeMutablePointer<Float>
) {
  input.update(repeating: 0, count: s.channels * s.height * s.width)
  for r in 0..<s.depth {
    let (c, i, j) = (r / (s.size * s.size), r / s.size % s.size, r % s.size)
    let xs = s.inside(j, extent: s.width, positions: s.outWidth)
    for y in s.inside(i, extent: s.height, positions: s.outHeight) {
      let to = (c * s.height + y * s.stride + i - s.pad) * s.width + j - s.pad
      let row = columns + r * s.positions + y * s.outWidth
      for x in xs { input[to + x * s.stride] += row[x] }
    }
  }
}
