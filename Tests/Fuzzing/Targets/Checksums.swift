import CZlib

/// The chunks of a PNG file with right checksums, up to where they stop being chunks.
///
/// Source: the PNG specification, section 5.3: length, type, data, CRC-32 of type and data.
func repairPNG(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  var position = 8
  while let length = bytes.bigEndian32(at: position), length <= bytes.count - position - 12 {
    let end = position + 8 + length
    bytes.replace32(at: end, with: checksum(bytes[position + 4..<end]).bigEndian)
    position = end + 4
  }
  return bytes
}

/// The stored members of a zip file with right checksums in the directory, where they are read.
///
/// Source: PKWARE's APPNOTE.TXT, sections 4.3.7 and 4.3.12.
func repairZip(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  let entry: [UInt8] = [0x50, 0x4B, 0x01, 0x02]
  var position = 0
  while let start = bytes[position...].firstIndex(of: entry[0]) {
    position = start + 1
    guard bytes[start...].starts(with: entry),
      let size = bytes.littleEndian32(at: start + 20),
      let header = bytes.littleEndian32(at: start + 42),
      let lengths = bytes.littleEndian32(at: header + 26)
    else { continue }
    let content = header + 30 + (lengths & 0xFFFF) + lengths >> 16
    guard content <= bytes.count, size <= bytes.count - content else { continue }
    let sum = checksum(bytes[content..<content + size]).littleEndian
    bytes.replace32(at: start + 16, with: sum)
  }
  return bytes
}

private func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  bytes.withUnsafeBufferPointer { UInt32(crc32_z(0, $0.baseAddress, $0.count)) }
}

extension [UInt8] {
  fileprivate func littleEndian32(at position: Int) -> Int? {
    guard position >= 0, position <= count - 4 else { return nil }
    return self[position..<position + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  fileprivate func bigEndian32(at position: Int) -> Int? {
    littleEndian32(at: position).map { Int(UInt32($0).byteSwapped) }
  }

  /// - Precondition: there are four bytes at the position.
  fileprivate mutating func replace32(at position: Int, with value: UInt32) {
    Swift.withUnsafeBytes(of: value) { self.replaceSubrange(position..<position + 4, with: $0) }
  }
}
