import Layers

/// The formula, in loops:
///
///     out[k,y,x] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · in[c, y·s + i − p, x·s + j − p]
package enum Formula: BackwardRung {
  package static let title = "the formula"
  package static let reason = """
    Seven multiplications and additions of indices, and an if, stand around each product. The sum is \
    one chain: each addition waits for the one before.
    """
  package static var source: SourceLocation { .here() }

  package static func forward(_ piece: Piece, scratch: UnsafeMutablePointer<Float>) {
    let s = piece.sizes
    for k in 0..<s.kernels {
      for y in 0..<s.outHeight {
        for x in 0..<s.outWidth {
          var sum = piece.b[k]
          for c in 0..<s.channels {
            for i in 0..<s.size {
              for j in 0..<s.size {
                let (row, column) = (y * s.stride + i - s.pad, x * s.stride + j - s.pad)
                if 0 <= row, row < s.height, 0 <= column, column < s.width {
                  sum +=
                    piece.w[((k * s.channels + c) * s.size + i) * s.size + j]
                    * piece.x[(c * s.height + row) * s.width + column]
                }
              }
            }
          }
          piece.out[(k * s.outHeight + y) * s.outWidth + x] = sum
        }
      }
    }
  }

  /// ∂L/∂w[k,c,i,j] += Σ_y Σ_x ∂L/∂out[k,y,x] · in[c, y·s + i − p, x·s + j − p]
  package static func addWeightGradient(
    _ piece: GradientPiece, scratch: UnsafeMutablePointer<Float>
  ) {
    forEachProduct(piece.sizes) { weight, input, output in
      piece.dw[weight] += piece.dy[output] * piece.x[input]
    }
  }

  /// ∂L/∂in[c, y·s + i − p, x·s + j − p] += w[k,c,i,j] · ∂L/∂out[k,y,x], for all k, y, x, i and j
  package static func setInputGradient(
    _ piece: GradientPiece, scratch: UnsafeMutablePointer<Float>
  ) {
    let s = piece.sizes
    piece.dx.update(repeating: 0, count: s.channels * s.height * s.width)
    forEachProduct(s) { weight, input, output in
      piece.dx[input] += piece.w[weight] * piece.dy[output]
    }
  }

  /// The places of w, in and out for each product of the formula. Backwards, each product passes the
  /// output's gradient to its two factors.
  @inline(__always)
  private static func forEachProduct(
    _ s: Sizes, _ body: (_ weight: Int, _ input: Int, _ output: Int) -> Void
  ) {
    for k in 0..<s.kernels {
      for y in 0..<s.outHeight {
        for x in 0..<s.outWidth {
          for c in 0..<s.channels {
            for i in 0..<s.size {
              for j in 0..<s.size {
                let (row, column) = (y * s.stride + i - s.pad, x * s.stride + j - s.pad)
                if 0 <= row, row < s.height, 0 <= column, column < s.width {
                  body(
                    ((k * s.channels + c) * s.size + i) * s.size + j,
                    (c * s.height + row) * s.width + column,
                    (k * s.outHeight + y) * s.outWidth + x)
                }
              }
            }
          }
        }
      }
    }
  }
}
