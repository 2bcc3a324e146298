/// What numbers in single precision take.
enum SinglePrecision {
  /// The bytes of so many numbers; the greatest count where that overflows.
  static func bytes(_ count: Int) -> Int {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
    return overflow ? .max : bytes
  }
}
