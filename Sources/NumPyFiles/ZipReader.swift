import CZlib
import WholeFiles

/// What the directory at the end of a zip file says about a member.
///
/// Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3.
package struct ZipEntry {
  package var name: String
  var method: Int
  package var checksum: UInt32
  var compressedSize: Int
  package var size: Int
  /// Where the member's local header begins.
  var headerOffset: Int
  /// Where this description lies in the file, for error messages.
  var directoryOffset: Int
}

/// The directory of a zip file.
package struct ZipDirectory {
  package var entries: [ZipEntry] = []
  /// Where the directory begins; all members lie before it.
  var offset = 0

  private static let endSize = 22

  /// Reads the directory, checking every length against the file before using it.
  init(_ bytes: [UInt8], place: FilePlace) throws(FileError) {
    guard let end = Self.findEnd(in: bytes) else {
      throw place.error(
        "the archive's directory is missing at the end of the file", at: bytes.count,
        remedy: bytes.starts(with: NumPyHeader.magic)
          ? "this is an .npy file, which NumPyArray reads"
          : "the file is truncated or no zip archive")
    }
    var count = UInt64(bytes.littleEndian(UInt16.self, at: end + 10) ?? 0)
    var size = UInt64(bytes.littleEndian(UInt32.self, at: end + 12) ?? 0)
    var start = UInt64(bytes.littleEndian(UInt32.self, at: end + 16) ?? 0)
    if bytes.littleEndian(UInt32.self, at: end - 20) == 0x0706_4B50 {
      // A locator stands before the end record: it says where the 64-bit record is.
      guard let record = bytes.littleEndian(UInt64.self, at: end - 12).flatMap(Int.init(exactly:)),
        record <= end - 76, bytes.littleEndian(UInt32.self, at: record) == 0x0606_4B50,
        let wideCount = bytes.littleEndian(UInt64.self, at: record + 32),
        let wideSize = bytes.littleEndian(UInt64.self, at: record + 40),
        let wideStart = bytes.littleEndian(UInt64.self, at: record + 48)
      else {
        throw place.error("the zip64 locator does not lead to its record", at: end - 20)
      }
      (count, size, start) = (wideCount, wideSize, wideStart)
    }
    guard start <= end, size <= UInt64(end) - start, count <= size / 46 else {
      throw place.error(
        "the directory of \(count) members and \(size) bytes at \(start) is not inside the file",
        at: end)
    }
    offset = Int(start)
    var position = offset
    for _ in 0..<count {
      entries.append(try Self.entry(bytes, at: &position, limit: end, place: place))
    }
  }

  /// The last end record whose comment reaches exactly to the end of the file.
  private static func findEnd(in bytes: [UInt8]) -> Int? {
    let last = bytes.count - endSize
    guard last >= 0 else { return nil }
    for position in stride(from: last, through: max(0, last - 0xFFFF), by: -1)
    where bytes[position] == 0x50 {
      if bytes.littleEndian(UInt32.self, at: position) == 0x0605_4B50,
        bytes.littleEndian(UInt16.self, at: position + 20) == UInt16(last - position)
      {
        return position
      }
    }
    return nil
  }

  private static func entry(
    _ bytes: [UInt8], at position: inout Int, limit: Int, place: FilePlace
  ) throws(FileError) -> ZipEntry {
    let start = position
    guard start <= limit - 46, bytes.littleEndian(UInt32.self, at: start) == 0x0201_4B50,
      let flags = bytes.littleEndian(UInt16.self, at: start + 8),
      let method = bytes.littleEndian(UInt16.self, at: start + 10),
      let checksum = bytes.littleEndian(UInt32.self, at: start + 16),
      let compressed = bytes.littleEndian(UInt32.self, at: start + 20),
      let size = bytes.littleEndian(UInt32.self, at: start + 24),
      let nameLength = bytes.littleEndian(UInt16.self, at: start + 28).map(Int.init),
      let extraLength = bytes.littleEndian(UInt16.self, at: start + 30).map(Int.init),
      let commentLength = bytes.littleEndian(UInt16.self, at: start + 32).map(Int.init),
      let offset = bytes.littleEndian(UInt32.self, at: start + 42),
      nameLength + extraLength + commentLength <= limit - start - 46
    else {
      throw place.error("the directory is damaged here", at: start)
    }
    let nameEnd = start + 46 + nameLength
    let name = String(decoding: bytes[start + 46..<nameEnd], as: UTF8.self)
    position = nameEnd + extraLength + commentLength

    let member = place.member(name)
    guard flags & 1 == 0 else { throw member.error("the member is encrypted") }
    // Fields that are all ones stand for 64-bit values in the extra field, in this order.
    var wide = Zip64Values(bytes, from: nameEnd, to: nameEnd + extraLength)
    guard let sizeValue = wide.resolve(size), let compressedValue = wide.resolve(compressed),
      let offsetValue = wide.resolve(offset)
    else {
      throw member.error("the directory lacks a 64-bit size that it announces")
    }
    return ZipEntry(
      name: name, method: Int(method), checksum: checksum, compressedSize: compressedValue,
      size: sizeValue, headerOffset: offsetValue, directoryOffset: start)
  }
}

/// The 64-bit values of a member's extra field of kind 1.
private struct Zip64Values {
  private var values: ArraySlice<UInt64> = []

  init(_ bytes: [UInt8], from start: Int, to end: Int) {
    var position = start
    while position + 4 <= end, let kind = bytes.littleEndian(UInt16.self, at: position),
      let length = bytes.littleEndian(UInt16.self, at: position + 2).map(Int.init),
      length <= end - position - 4
    {
      if kind == 1 {
        values =
          stride(from: position + 4, through: position + length - 4, by: 8)
          .compactMap { bytes.littleEndian(UInt64.self, at: $0) }[...]
        return
      }
      position += 4 + length
    }
  }

  /// The value of a 32-bit field, from here if it is all ones; nil if it is absent or absurd.
  mutating func resolve(_ field: UInt32) -> Int? {
    if field != .max { return Int(field) }
    return values.popFirst().flatMap(Int.init(exactly:))
  }
}

/// Takes members out of a zip file that lies in memory.
package struct ZipReader {
  private let bytes: [UInt8]
  private let place: FilePlace
  package let directory: ZipDirectory

  init(_ bytes: [UInt8], place: FilePlace) throws(FileError) {
    self.bytes = bytes
    self.place = place
    directory = try ZipDirectory(bytes, place: place)
    try checkOverlaps()
  }

  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - file: what error messages call it.
  package init(_ bytes: [UInt8], file: String) throws(FileError) {
    try self.init(bytes, place: FilePlace(file: file))
  }

  /// Throws where what the members claim to unpack to, and what is made of it, is more memory than this
  /// process is given. Claims that can't be true are passed over here: each is refused by itself.
  package func requireMemory() throws(FileError) {
    var size = 0
    for entry in directory.entries where entry.size / 1032 <= entry.compressedSize {
      let (sum, overflow) = size.addingReportingOverflow(entry.size)
      size = overflow ? .max : sum
    }
    // The bytes, the numbers made of them, and the tensors made of those.
    let (need, overflow) = size.multipliedReportingOverflow(by: 3)
    guard !overflow, MemoryGrant.isGiven(byteCount: need) else {
      throw place.error(
        "its members unpack to \(size) bytes, with what is made of them more memory than this process "
          + "is given")
    }
  }

  /// The content of a member, its checksum verified unless that is left out.
  package func content(
    of entry: ZipEntry, isVerified: Bool = true
  ) throws(FileError) -> [UInt8] {
    let member = place.member(entry.name)
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
    guard !isVerified || zipChecksum(content) == entry.checksum else {
      throw member.error("the checksum does not match", remedy: "the file is damaged")
    }
    return content
  }

  /// Where the bytes of a member lie.
  private func dataRange(of entry: ZipEntry) throws(FileError) -> Range<Int> {
    let header = entry.headerOffset
    let member = place.member(entry.name)
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
  private func checkOverlaps() throws(FileError) {
    var end = 0
    for entry in directory.entries.sorted(by: { $0.headerOffset < $1.headerOffset }) {
      guard entry.headerOffset >= end else {
        throw place.member(entry.name).error(
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
