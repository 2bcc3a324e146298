/// What `--deterministic` leaves out and rounds, so that a tour is the same text on every machine
/// and with every number of threads, and can be pinned by golden files.
///
/// - All values are those of the naive version: IEEE 754 operations in a fixed order, on one
///   thread, without BLAS and without fused multiply-adds. The few functions of the C library in it
///   (e^x, ln x, powers, and sine and cosine for the random weights) are computed in more digits
///   than are kept.
/// - Values are rounded to four digits, in case a C library differs in the last of Float's seven.
/// - Clocks aren't read, the machine isn't named, and where code stands isn't said by line.
/// - Of the optimized version, whose sums depend on the BLAS, it is only said whether it agrees; of
///   the gradient checks, whose errors are nothing but rounding, whether they pass.
enum Determinism {
  /// The nearest number of four significant digits.
  static func rounded(_ number: Double) -> Double {
    Double(Format.value(number)) ?? number
  }
}
