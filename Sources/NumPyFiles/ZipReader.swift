import CZlib

/// Takes members out of a zip file that lies in memory.
struct ZipReader {
  private let bytes: [UInt8]
  private let place: Place
  let directory: ZipDirectory

  init(_ bytes: [UInt8], place: Place) throws(NumPyError) {
    self.bytes = bytes
    self.place = place
    directory = try ZipDirectory(bytes, place: place)
    try checkOverlaps()
  }

  /// The content of a member, its checksum verified.
  func content(of entry: ZipEntry) throws(NumPyError) -> [UInt8] {
    let member = Place(file: place.file, member: entry.name)
    let range = try dataRange(of: entry)
    let content: [UInt8]
    switch entry.method {
    case 0:
      guard entry.size == entry.compressedSize else {
        throw member.error(
          "the member is stored, but its two sizes differ: \(entry.size) and "
            + "\(entry.compressedSize) bytes")
      }
      content = Array(bytes[range])
    case 8:
      // Deflate turns a byte into at most 1032, so a greater claim is false and is not allocated.
      guard entry.size / 1032 <= entry.compressedSize else {
        throw member.error(
          "\(entry.compressedSize) compressed bytes cannot become \(entry.size)")
      }
      guard let inflated = inflated(bytes, range, size: entry.size) else {
        throw member.error(
          "the compressed data is damaged", remedy: "\(entry.size) bytes should come out of it")
      }
      content = inflated
    default:
      throw member.error(
        "compression method \(entry.method) is unknown",
        remedy: "0 (stored) and 8 (deflated) are read")
    }
    guard zipChecksum(content) == entry.checksum else {
      throw member.error("the checksum does not match", remedy: "the file is damaged")
    }
    return content
  }

  /// Where the bytes of a member lie.
  private func dataRange(of entry: ZipEntry) throws(NumPyError) -> Range<Int> {
    let header = entry.headerOffset
    let member = Place(file: place.file, member: entry.name)
    guard header <= directory.offset,
      bytes.littleEndian(UInt32.self, at: header) == 0x0403_4B50,
      let nameLength = bytes.littleEndian(UInt16.self, at: header + 26),
      let extraLength = bytes.littleEndian(UInt16.self, at: header + 28)
    else {
      throw member.error("the archive has no such member at byte \(header)")
    }
    let start = header + 30 + Int(nameLength) + Int(extraLength)
    guard start <= directory.offset, entry.compressedSize <= directory.offset - start else {
      throw member.error(
        "the member's \(entry.compressedSize) bytes at byte \(start) of the archive reach beyond "
          + "the members")
    }
    return start..<start + entry.compressedSize
  }

  /// Refuses members that share bytes: the trick with which a small file unpacks to a huge one.
  private func checkOverlaps() throws(NumPyError) {
    var end = 0
    for entry in directory.entries.sorted(by: { $0.headerOffset < $1.headerOffset }) {
      guard entry.headerOffset >= end else {
        throw Place(file: place.file, member: entry.name).error(
          "the member lies inside another one, at byte \(entry.headerOffset) of the archive")
      }
      end = try dataRange(of: entry).upperBound
    }
  }
}

/// The CRC-32 of bytes.
func zipChecksum(_ bytes: [UInt8]) -> UInt32 {
  bytes.withUnsafeBufferPointer { UInt32(crc32_z(0, $0.baseAddress, $0.count)) }
}

/// Raw deflate data unpacked; nil unless it is sound and yields exactly `size` bytes.
///
/// zlib reads `input`..<`range.upperBound`, which lies in the bytes, and writes `made`..<`size` + 1.
private func inflated(_ bytes: [UInt8], _ range: Range<Int>, size: Int) -> [UInt8]? {
  var stream = z_stream()
  // Minus 15: the largest window, and no zlib header around the data.
  let version = ZLIB_VERSION
  guard inflateInit2_(&stream, -15, version, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    return nil
  }
  defer { inflateEnd(&stream) }
  var status = Z_OK
  // A byte of room too many shows data that would go on.
  let output = [UInt8](unsafeUninitializedCapacity: size + 1) { room, count in
    bytes.withUnsafeBufferPointer { source in
      var (input, made) = (range.lowerBound, 0)
      while status == Z_OK {
        // zlib counts in 32 bits.
        let available = uInt(clamping: range.upperBound - input)
        let free = uInt(clamping: room.count - made)
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress.map { $0 + input })
        stream.avail_in = available
        stream.next_out = room.baseAddress.map { $0 + made }
        stream.avail_out = free
        status = inflate(&stream, Z_NO_FLUSH)
        input += Int(available - stream.avail_in)
        made += Int(free - stream.avail_out)
      }
      if input != range.upperBound { status = Z_DATA_ERROR }
      count = made
    }
  }
  return status == Z_STREAM_END && output.count == size ? output : nil
}
