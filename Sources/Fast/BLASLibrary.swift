import COpenBLAS

/// The BLAS that the fast layers were linked with.
public enum BLASLibrary {
  /// Version and build options, for example `OpenBLAS 0.3.21`.
  ///
  /// - Complexity: O(length) of OpenBLAS's description.
  public static var version: String {
    let words = string(openblas_get_config()).split(separator: " ")
    return words.prefix(2).joined(separator: " ")
  }

  /// The kernels chosen for this processor when the library was loaded, for example `Haswell`; the
  /// environment variable `OPENBLAS_CORETYPE` overrides the choice.
  ///
  /// - Complexity: O(length) of the name.
  public static var kernels: String { string(openblas_get_corename()) }

  /// A copy of a text that OpenBLAS keeps, ended by a zero.
  private static func string(_ text: UnsafeMutablePointer<CChar>?) -> String {
    text.map { String(cString: $0) } ?? "unknown"
  }
}
