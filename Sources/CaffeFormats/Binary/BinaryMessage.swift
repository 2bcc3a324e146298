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
    guard !bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) else {
      throw CaffeFileError(
        file: file,
        problem: "is an HDF5 file; Caffe writes the other form with snapshot_format: BINARYPROTO")
    }
    // SwiftProtobuf notices what is wrong, but says neither where nor what.
    var left = messageLimit
    try check(WireReader(bytes, file: file), .of(type), left: &left)
    do {
      return try Content(serializedBytes: bytes, partial: true)
    } catch {
      throw CaffeFileError(file: file, problem: "is no \(type.protoMessageName): \(error)")
    }
  }

  /// Walks through all messages, without looking at numbers. It recurses as deep as the schema,
  /// which has no cycles.
  private static func check(
    _ reader: WireReader, _ schema: MessageSchema, left: inout Int
  ) throws(CaffeFileError) {
    var reader = reader
    while let field = try reader.next() {
      guard let known = schema.field(numbered: field.number) else { continue }
      if let message = known.message, field.type == .delimited {
        left -= 1
        guard left >= 0 else {
          throw reader.error("there are more than \(messageLimit) messages", at: field.offset)
        }
        try check(reader.reader(of: field), message, left: &left)
      } else if case .string = known.kind, field.type == .delimited {
        guard String(validating: reader.bytes[field.content], as: UTF8.self) != nil else {
          throw reader.error("\"\(known.name)\" must be text in UTF-8", at: field.offset)
        }
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
