import COpenBLAS
import CProcessor
import Tensors

/// A number that the fast layers compute with: `Float` or `Double`, for which OpenBLAS has a
/// matrix product.
///
/// `Codable` is asked for because `SIMDScalar` implies it.
public protocol TunedScalar: Tensors.Scalar, FloatingPoint, SIMDScalar, Codable {
  /// The nearest value to a `Double`.
  init(_ value: Double)

  /// The matrix product C ← A·B, or C ← C + A·B, of row-major matrices, on the calling thread.
  ///
  /// A is rows × inner and B inner × columns after the transpositions asked for; a stride is the
  /// distance between the starts of two neighbouring rows in memory. The three pointers lead to
  /// (rows − 1)·stride + columns numbers each, of the matrix as it lies in memory.
  ///
  /// - Complexity: O(rows·columns·inner) multiply-adds.
  static func gemm(
    rows: Int, columns: Int, inner: Int,
    _ a: UnsafePointer<Self>, stride aStride: Int, transposed aTransposed: Bool,
    _ b: UnsafePointer<Self>, stride bStride: Int, transposed bTransposed: Bool,
    into c: UnsafeMutablePointer<Self>, stride cStride: Int, adding: Bool,
    by kernel: ProductKernel)

  /// A number within 4 % of x^−¼, for a positive, normal and finite x.
  static func guessOfMinusOneQuarter(_ x: Self) -> Self

  /// Which elements of a vector are greater than another's.
  ///
  /// Asked of the type, since the compiler makes one instruction of a comparison of `Float`s, and a
  /// loop over the elements of the generic one.
  static func isGreater(
    _ a: SIMD16<Self>, than b: SIMD16<Self>
  ) -> SIMDMask<SIMD16<SIMDMaskScalar>>
}

/// What multiplies two matrices.
public enum ProductKernel: Sendable {
  /// The fastest that this build has: our own for `Float` where it is built for AVX-512, and
  /// OpenBLAS's otherwise.
  case fastest
  /// As the fastest, but our own does nothing for the caches: to see what that gains.
  case fastestWithoutCaching
  /// OpenBLAS's.
  case openBLAS
}

extension Float: TunedScalar {
  /// Whether this build has `MatrixProduct`.
  static var hasOwnProduct: Bool { BUILT_FOR_AVX512 == 1 }

  /// `MatrixProduct` in a build for AVX-512 unless OpenBLAS is asked for, else `cblas_sgemm`.
  ///
  /// - Complexity: O(rows·columns·inner) multiply-adds.
  public static func gemm(
    rows: Int, columns: Int, inner: Int,
    _ a: UnsafePointer<Float>, stride aStride: Int, transposed aTransposed: Bool,
    _ b: UnsafePointer<Float>, stride bStride: Int, transposed bTransposed: Bool,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int, adding: Bool,
    by kernel: ProductKernel
  ) {
    // The callers give strides that reach over a row, and memory of rows × stride elements.
    if kernel != .openBLAS && hasOwnProduct {
      return MatrixProduct(
        rows: rows, columns: columns, inner: inner,
        a, stride: aStride, transposed: aTransposed, b, stride: bStride, transposed: bTransposed,
        into: c, stride: cStride, adding: adding, isCached: kernel == .fastest
      ).run()
    }
    cblas_sgemm(
      CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans,
      bTransposed ? CblasTrans : CblasNoTrans,
      blasint(rows), blasint(columns), blasint(inner),
      1, a, blasint(aStride), b, blasint(bStride), adding ? 1 : 0, c, blasint(cStride))
  }

  /// By halving the logarithm twice: the constant is 5/4 of that of 1, less a little that spreads
  /// the error evenly.
  @inline(__always)
  public static func guessOfMinusOneQuarter(_ x: Float) -> Float {
    Float(bitPattern: 0x4F58_CAE4 &- x.bitPattern >> 2)
  }

  /// One comparison.
  @inline(__always)
  public static func isGreater(
    _ a: SIMD16<Float>, than b: SIMD16<Float>
  ) -> SIMDMask<SIMD16<Int32>> {
    a .> b
  }
}

extension Double: TunedScalar {
  /// `cblas_dgemm`: there is no other kernel.
  ///
  /// - Complexity: O(rows·columns·inner) multiply-adds.
  public static func gemm(
    rows: Int, columns: Int, inner: Int,
    _ a: UnsafePointer<Double>, stride aStride: Int, transposed aTransposed: Bool,
    _ b: UnsafePointer<Double>, stride bStride: Int, transposed bTransposed: Bool,
    into c: UnsafeMutablePointer<Double>, stride cStride: Int, adding: Bool,
    by kernel: ProductKernel
  ) {
    // As for Float.
    cblas_dgemm(
      CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans,
      bTransposed ? CblasTrans : CblasNoTrans,
      blasint(rows), blasint(columns), blasint(inner),
      1, a, blasint(aStride), b, blasint(bStride), adding ? 1 : 0, c, blasint(cStride))
  }

  /// By halving the logarithm twice: the constant is 5/4 of that of 1, less a little that spreads
  /// the error evenly.
  @inline(__always)
  public static func guessOfMinusOneQuarter(_ x: Double) -> Double {
    Double(bitPattern: 0x4FEB_195C_853C_1400 &- x.bitPattern >> 2)
  }

  /// One comparison.
  @inline(__always)
  public static func isGreater(
    _ a: SIMD16<Double>, than b: SIMD16<Double>
  ) -> SIMDMask<SIMD16<Int64>> {
    a .> b
  }
}
