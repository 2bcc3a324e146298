/// Writes protobuf's binary format.
struct WireWriter {
  private(set) var bytes: [UInt8] = []

  /// A message that was read from a text.
  static func encode(_ message: TextMessage) -> [UInt8] {
    var writer = WireWriter()
    for field in message.fields { writer.write(field) }
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
