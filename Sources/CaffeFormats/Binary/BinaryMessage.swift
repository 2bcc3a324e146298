import CaffeMessages
import SwiftProtobuf

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Messages in binary files.
enum BinaryMessage {
  /// The messages that a file may hold within its own: far more than any network has, and few enough
  /// that a small hostile file can't ask for gigabytes.
  static let messageLimit = 200_000

  /// Reads a file. Fields that the schema doesn't know are kept, and written again.
  ///
  /// Memory stays within a small multiple of the file's length.
  ///
  /// - Throws: `CaffeFileError` naming the byte at which the file is damaged.
  static func read<Content: Message>(
    _ type: Content.Type, from url: URL
  ) throws(CaffeFileError) -> Content {
    try decode(type, try readFile(url), file: url.relativePath)
  }

  static func decode<Content: Message>(
    _ type: Content.Type, _ bytes: [UInt8], file: String
  ) throws(CaffeFileError) -> Content {
    let expected: FileKind =
      type == Caffe_SolverState.self ? .solverState : type == Caffe_BlobProto.self ? .blob : .model
    do throws(CaffeFileError) {
      let message = try decodeAsIs(type, bytes, file: file)
      // Any file of Caffe's can be read as any other: what doesn't fit is taken for unknown fields.
      if let kind = FileKind(of: bytes), kind != expected,
        [.model, .solverState, .blob].contains(kind)
      {
        throw CaffeFileError(file: file, problem: "is \(kind.description)")
      }
      return message
    } catch {
      throw FileKind.explaining(error, of: bytes, expected: expected)
    }
  }

  private static func decodeAsIs<Content: Message>(
    _ type: Content.Type, _ bytes: [UInt8], file: String
  ) throws(CaffeFileError) -> Content {
    // SwiftProtobuf notices what is wrong, but says neither where nor what.
    var (left, isUTF8) = (messageLimit, true)
    let reader = WireReader(bytes, file: file)
    try check(reader, .of(type), left: &left, isUTF8: &isUTF8)
    do {
      return try Content(
        serializedBytes: isUTF8 ? bytes : WireWriter.inUTF8(reader, .of(type)), partial: true)
    } catch {
      throw CaffeFileError(file: file, problem: "is no \(type.protoMessageName): \(error)")
    }
  }

  /// Walks through all messages, without looking at numbers. It recurses as deep as the schema,
  /// which has no cycles.
  ///
  /// - Parameter isUTF8: becomes false where a name is no text in UTF-8.
  private static func check(
    _ reader: WireReader, _ schema: MessageSchema, left: inout Int, isUTF8: inout Bool
  ) throws(CaffeFileError) {
    var reader = reader
    while let field = try reader.next() {
      guard let known = schema.field(numbered: field.number) else { continue }
      if let message = known.message, field.type == .delimited {
        left -= 1
        guard left >= 0 else {
          throw reader.error("there are more than \(messageLimit) messages", at: field.offset)
        }
        try check(reader.reader(of: field), message, left: &left, isUTF8: &isUTF8)
      } else if case .string = known.kind, field.type == .delimited {
        isUTF8 = isUTF8 && String(validating: reader.bytes[field.content], as: UTF8.self) != nil
      }
    }
  }

  /// Writes a file whole or not at all.
  static func write(_ message: some Message, to url: URL) throws(CaffeFileError) {
    let bytes: [UInt8]
    do {
      bytes = try message.serializedBytes(partial: true)
    } catch {
      throw CaffeFileError(file: url.relativePath, problem: "cannot be written: \(error)")
    }
    try writeFile(bytes, to: url)
  }
}

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

/// Text in UTF-8 as it is; of another encoding (GBK, Latin-1) each byte as the character of that number.
///
/// Protobuf's older messages take any bytes, and so Caffe does; strings of Swift don't. Equal names stay
/// equal and different ones different, so that layers find their weights. They are written in UTF-8.
func textInUTF8(_ bytes: [UInt8]) -> [UInt8] {
  guard String(validating: bytes, as: UTF8.self) == nil else { return bytes }
  return bytes.flatMap { Array(String(Unicode.Scalar($0)).utf8) }
}

/// Writes protobuf's binary format.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  /// A message that was read from a text.
  static func encode(_ message: TextMessage) -> [UInt8] {
    var writer = WireWriter()
    for field in message.fields { writer.write(field) }
    return writer.bytes
  }

  /// A message with names in UTF-8 where they were in another encoding.
  static func inUTF8(
    _ reader: WireReader, _ schema: MessageSchema
  ) throws(CaffeFileError) -> [UInt8] {
    var reader = reader
    var writer = WireWriter()
    while let field = try reader.next() {
      let known = schema.field(numbered: field.number)
      if field.type == .delimited, let message = known?.message {
        writer.delimited(
          UInt64(field.number), try inUTF8(reader.reader(of: field), message))
      } else if case .string? = known?.kind, field.type == .delimited {
        writer.delimited(UInt64(field.number), textInUTF8(Array(reader.bytes[field.content])))
      } else {
        writer.bytes += reader.bytes[field.offset..<reader.offset]
      }
    }
    return writer.bytes
  }

  private mutating func write(_ field: TextMessage.Field) {
    let number = UInt64(field.schema.number)
    switch field.value {
    case .integer(let value):
      varint(number << 3 | WireType.varint.rawValue)
      varint(UInt64(bitPattern: value))
    case .double(let value):
      varint(number << 3 | WireType.fixed64.rawValue)
      append(value.bitPattern)
    case .float(let value):
      varint(number << 3 | WireType.fixed32.rawValue)
      append(value.bitPattern)
    case .bytes(let content):
      delimited(number, content)
    case .message(let message):
      delimited(number, Self.encode(message))
    }
  }

  private mutating func delimited(_ number: UInt64, _ content: [UInt8]) {
    varint(number << 3 | WireType.delimited.rawValue)
    varint(UInt64(content.count))
    bytes += content
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func append(_ pattern: some FixedWidthInteger) {
    withUnsafeBytes(of: pattern.littleEndian) { bytes += $0 }
  }
}

/// How a field is laid out in protobuf's binary format.
enum WireType: UInt64 {
  case varint = 0
  case fixed64 = 1
  case delimited = 2
  case fixed32 = 5
}
