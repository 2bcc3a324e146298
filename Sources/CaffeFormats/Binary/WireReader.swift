/// Reads protobuf's binary format field by field, saying where something is wrong.
///
/// Groups (wire types 3 and 4), which no version of Caffe writes, are refused.
struct WireReader {
  /// A field in a message, its content not yet looked at.
  struct Field {
    var number: Int
    var type: WireType
    /// Of a varint or a number of fixed length.
    var value: UInt64
    /// The bytes of a delimited field.
    var content: Range<Int>
    /// The byte at which the field starts.
    var offset: Int
  }

  let bytes: [UInt8]
  let file: String
  private(set) var offset: Int
  private let end: Int

  init(_ bytes: [UInt8], range: Range<Int>? = nil, file: String) {
    self.bytes = bytes
    self.file = file
    offset = range?.lowerBound ?? 0
    end = range?.upperBound ?? bytes.count
  }

  func error(_ problem: String, at offset: Int) -> CaffeFileError {
    CaffeFileError(file: file, place: .byte(offset), problem: problem)
  }

  /// The next field, `nil` at the end.
  mutating func next() throws(CaffeFileError) -> Field? {
    guard offset < end else { return nil }
    let start = offset
    let tag = try varint()
    guard let number = Int(exactly: tag >> 3), (1..<(1 << 29)).contains(number) else {
      throw error("there is no field with number \(tag >> 3)", at: start)
    }
    guard let type = WireType(rawValue: tag & 7) else {
      throw error(
        "field \(number) has wire type \(tag & 7), which Caffe's files don't use", at: start)
    }
    var field = Field(number: number, type: type, value: 0, content: offset..<offset, offset: start)
    switch type {
    case .varint: field.value = try varint()
    case .fixed64: field.value = try fixed(8)
    case .fixed32: field.value = try fixed(4)
    case .delimited:
      let length = try varint()
      let rest = end - offset
      guard length <= UInt64(rest) else {
        throw error(
          "field \(number) claims \(length) bytes where only \(rest) are left", at: start)
      }
      field.content = offset..<(offset + Int(length))
      offset += Int(length)
    }
    return field
  }

  /// The next number of variable length; for packed fields.
  mutating func varint() throws(CaffeFileError) -> UInt64 {
    let start = offset
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard offset < end else { throw error("a number is cut off", at: start) }
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte & 0x80 == 0 { return value }
    }
    throw error("a number has more than 10 bytes", at: start)
  }

  /// The next number of fixed length; for packed fields.
  mutating func fixed(_ length: Int) throws(CaffeFileError) -> UInt64 {
    guard end - offset >= length else { throw error("a number is cut off", at: offset) }
    var value: UInt64 = 0
    for i in 0..<length { value |= UInt64(bytes[offset + i]) << UInt64(8 * i) }
    offset += length
    return value
  }

  /// Whether there is nothing more to read.
  var isAtEnd: Bool { offset >= end }

  /// A reader of the message in a delimited field.
  func reader(of field: Field) -> WireReader {
    WireReader(bytes, range: field.content, file: file)
  }
}
