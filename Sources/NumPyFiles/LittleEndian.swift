extension [UInt8] {
  /// The little-endian integer at an offset, nil where it would reach beyond the end.
  func littleEndian<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type, at offset: Int
  ) -> Number? {
    let size = MemoryLayout<Number>.size
    guard offset >= 0, offset <= count - size else { return nil }
    var number: Number = 0
    for i in (0..<size).reversed() { number = number << 8 | Number(self[offset + i]) }
    return number
  }

  /// Appends an integer, its lowest byte first.
  mutating func appendLittleEndian<Number: FixedWidthInteger>(_ number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }
}
