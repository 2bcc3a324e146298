import COpenBLAS
import Tensors

/// A row-major matrix in memory that somebody else owns: a view, that copies nothing.
///
/// The memory of a matrix that is only read may be wrapped as well; `multiply` writes to the one
/// after `into:` alone.
package struct Matrix<Scalar> {
  /// (stored rows − 1)·stride + stored columns numbers, which are to outlive the view.
  package let memory: UnsafeMutablePointer<Scalar>
  /// As the formula has them: after the transposition.
  package let rows, columns: Int
  /// The distance between the starts of two neighbouring rows in memory.
  package let stride: Int
  /// Whether the rows in memory are the matrix's columns.
  package private(set) var isTransposed = false

  package init(
    _ memory: UnsafeMutablePointer<Scalar>, _ rows: Int, _ columns: Int, stride: Int? = nil
  ) {
    self.memory = memory
    (self.rows, self.columns, self.stride) = (rows, columns, stride ?? columns)
  }

  package init(_ memory: UnsafePointer<Scalar>, _ rows: Int, _ columns: Int, stride: Int? = nil) {
    self.init(UnsafeMutablePointer(mutating: memory), rows, columns, stride: stride)
  }

  /// The transpose: no number moves, BLAS reads the memory the other way.
  package var transposed: Matrix {
    var matrix = Matrix(memory, columns, rows, stride: stride)
    matrix.isTransposed = !isTransposed
    return matrix
  }

  /// Row i of a matrix that isn't transposed: `columns` numbers.
  @inline(__always)
  package func row(_ i: Int) -> UnsafeMutablePointer<Scalar> { memory + i * stride }
}

/// c ← a·b, or c ← c + a·b, on the calling thread (GEMM).
///
/// The specifications of the layers refuse tensors whose sizes BLAS's integers can't hold.
@inline(__always)
package func multiply<Scalar: BLASScalar>(
  _ a: Matrix<Scalar>, _ b: Matrix<Scalar>, into c: Matrix<Scalar>, adding: Bool = false
) {
  require(
    a.columns == b.rows && c.rows == a.rows && c.columns == b.columns && !c.isTransposed,
    "\(a.rows)×\(a.columns) times \(b.rows)×\(b.columns) is not \(c.rows)×\(c.columns)")
  Scalar.gemm(
    CblasRowMajor,
    a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
    blasint(a.rows), blasint(b.columns), blasint(a.columns),
    1, a.memory, blasint(a.stride), b.memory, blasint(b.stride),
    adding ? 1 : 0, c.memory, blasint(c.stride))
}

/// y ← a·x, or y ← y + a·x, on the calling thread (GEMV).
///
/// The vector x has as many numbers as the matrix has columns, and y as many as it has rows.
@inline(__always)
package func multiply<Scalar: BLASScalar>(
  _ a: Matrix<Scalar>, _ x: UnsafePointer<Scalar>, into y: UnsafeMutablePointer<Scalar>,
  adding: Bool = false
) {
  // Not left to BLAS, as not all versions of it overwrite NaN when they multiply y by 0.
  if !adding { y.fill(a.rows, with: 0) }
  let (rows, columns) = a.isTransposed ? (a.columns, a.rows) : (a.rows, a.columns)
  Scalar.gemv(
    CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns),
    1, a.memory, blasint(a.stride), x, 1, 1, y, 1)
}

/// A number for which BLAS has products: `Float` or `Double`.
public protocol BLASScalar: Tensors.Scalar, FloatingPoint {
  /// The product of two matrices: `cblas_sgemm` or `cblas_dgemm`.
  static var gemm: GEMM<Self> { get }
  /// The product of a matrix and a vector: `cblas_sgemv` or `cblas_dgemv`.
  static var gemv: GEMV<Self> { get }
}

extension Float: BLASScalar {
  /// `cblas_sgemm`.
  public static var gemm: GEMM<Float> { cblas_sgemm }
  /// `cblas_sgemv`.
  public static var gemv: GEMV<Float> { cblas_sgemv }
}

extension Double: BLASScalar {
  /// `cblas_dgemm`.
  public static var gemm: GEMM<Double> { cblas_dgemm }
  /// `cblas_dgemv`.
  public static var gemv: GEMV<Double> { cblas_dgemv }
}

/// C ← α·A·B + β·C as BLAS takes it: order, both transpositions, the rows of C, its columns, the
/// columns of A, α, A and its stride, B and its stride, β, C and its stride.
public typealias GEMM<Scalar> = (
  CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, blasint, blasint, blasint,
  Scalar, UnsafePointer<Scalar>?, blasint, UnsafePointer<Scalar>?, blasint,
  Scalar, UnsafeMutablePointer<Scalar>?, blasint
) -> Void

/// y ← α·A·x + β·y as BLAS takes it: order, transposition, the rows and columns of A in memory, α, A
/// and its stride, x and the distance between its numbers, β, y and likewise.
public typealias GEMV<Scalar> = (
  CBLAS_ORDER, CBLAS_TRANSPOSE, blasint, blasint,
  Scalar, UnsafePointer<Scalar>?, blasint, UnsafePointer<Scalar>?, blasint,
  Scalar, UnsafeMutablePointer<Scalar>?, blasint
) -> Void
