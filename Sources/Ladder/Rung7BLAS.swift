import COpenBLAS
import Layers

/// The same product by OpenBLAS: what `Sources/Fast` does.
package enum BLAS: BackwardRung {
  package static let title = "OpenBLAS"
  package static let reason = """
    Rungs 3 to 5 are what OpenBLAS does, with inner loops in assembly for each processor. It packs \
    the weights, too. Sources/Fast is this rung, for all sizes, in bands of positions whose columns \
    stay in the cache.
    """
  package static var source: SourceLocation { .here() }

  package static func scratchCount(_ sizes: Sizes) -> Int { sizes.depth * sizes.positions }

  package static func forward(_ piece: Piece, scratch columns: UnsafeMutablePointer<Float>) {
    let s = piece.sizes
    im2col(s, piece.x, into: columns, stride: s.positions)
    for k in 0..<s.kernels {
      (piece.out + k * s.positions).update(repeating: piece.b[k], count: s.positions)
    }
    // out (K, H'·W') += w (K, C·I·J) · columns (C·I·J, H'·W')
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans,
      blasint(s.kernels), blasint(s.positions), blasint(s.depth),
      1, piece.w, blasint(s.depth), columns, blasint(s.positions),
      1, piece.out, blasint(s.positions))
  }

  package static func run(_ pieces: [Piece], scratch: [UnsafeMutablePointer<Float>]) {
    onThreads(pieces.count, scratch: scratch) { i, scratch in forward(pieces[i], scratch: scratch) }
  }

  /// ∂L/∂w (K, C·I·J) += ∂L/∂out (K, H'·W') · columnsᵀ
  package static func addWeightGradient(
    _ piece: GradientPiece, scratch columns: UnsafeMutablePointer<Float>
  ) {
    let s = piece.sizes
    im2col(s, piece.x, into: columns, stride: s.positions)
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasTrans,
      blasint(s.kernels), blasint(s.depth), blasint(s.positions),
      1, piece.dy, blasint(s.positions), columns, blasint(s.positions),
      1, piece.dw, blasint(s.depth))
  }

  /// ∂L/∂columns (C·I·J, H'·W') = wᵀ · ∂L/∂out (K, H'·W'); col2im adds what the copies of an input got.
  package static func setInputGradient(
    _ piece: GradientPiece, scratch columns: UnsafeMutablePointer<Float>
  ) {
    let s = piece.sizes
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans,
      blasint(s.depth), blasint(s.positions), blasint(s.kernels),
      1, piece.w, blasint(s.depth), piece.dy, blasint(s.positions),
      0, columns, blasint(s.positions))
    col2im(s, columns, into: piece.dx)
  }
}
