import SwiftProtobuf

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Prints messages as protobuf's `TextFormat::Print` does, and so as Caffe does: a field a line in
/// the order of field numbers, 2 spaces a level, the fewest of 6 or 9 digits that give a float back.
enum TextPrinter {
  /// The text of a message.
  static func text(of message: some Message, file: String = "message") throws -> String {
    let bytes: [UInt8] = try message.serializedBytes(partial: true)
    var printer = Printer()
    try printer.print(WireReader(bytes, file: file), .of(type(of: message)), indent: "")
    return printer.text
  }

  /// A number as it stands in such a text.
  static func text(of value: Float) -> String { shortest(value) }
}

private struct Printer {
  var text = ""

  mutating func print(
    _ reader: WireReader, _ schema: MessageSchema, indent: String
  ) throws(CaffeFileError) {
    var reader = reader
    while let field = try reader.next() {
      // What a known field can't be made of, SwiftProtobuf has kept as it was, like an unknown one.
      guard let known = schema.field(numbered: field.number),
        field.type == known.wireType || field.type == .delimited && known.isRepeated
      else {
        printUnknown(field, reader, indent: indent)
        continue
      }
      if let message = known.message {
        text += "\(indent)\(known.name) {\n"
        try print(reader.reader(of: field), message, indent: indent + "  ")
        text += "\(indent)}\n"
      } else if field.type != known.wireType {
        var packed = reader.reader(of: field)
        while !packed.isAtEnd {
          let value = try known.readPacked(&packed)
          text += "\(indent)\(known.name): \(known.text(of: value))\n"
        }
      } else if field.type == .delimited {
        let content = reader.bytes[field.content]
        text += "\(indent)\(known.name): \"\(escaped(content))\"\n"
      } else {
        text += "\(indent)\(known.name): \(known.text(of: field.value))\n"
      }
    }
  }

  /// By number, as protobuf does; what lies in a delimited field can only be guessed, so it is
  /// shown as a string.
  private mutating func printUnknown(
    _ field: WireReader.Field, _ reader: WireReader, indent: String
  ) {
    let value =
      switch field.type {
      case .varint: String(field.value)
      case .fixed32: "0x" + padded(String(field.value, radix: 16), to: 8)
      case .fixed64: "0x" + padded(String(field.value, radix: 16), to: 16)
      case .delimited: "\"\(escaped(reader.bytes[field.content]))\""
      }
    text += "\(indent)\(field.number): \(value)\n"
  }
}

extension FieldSchema {
  /// How a value of the field is laid out, unless it is packed with others.
  fileprivate var wireType: WireType {
    switch kind {
    case .float: .fixed32
    case .double: .fixed64
    case .int32, .int64, .uint32, .bool, .enumeration: .varint
    case .string, .bytes, .message: .delimited
    }
  }

  fileprivate func readPacked(_ reader: inout WireReader) throws(CaffeFileError) -> UInt64 {
    switch kind {
    case .float: try reader.fixed(4)
    case .double: try reader.fixed(8)
    default: try reader.varint()
    }
  }

  fileprivate func text(of value: UInt64) -> String {
    switch kind {
    case .float: return shortest(Float(bitPattern: UInt32(truncatingIfNeeded: value)))
    case .double: return shortest(Double(bitPattern: value))
    case .bool: return value == 0 ? "false" : "true"
    case .uint32: return String(UInt32(truncatingIfNeeded: value))
    case .enumeration(let schema):
      let number = Int32(truncatingIfNeeded: value)
      return schema.name(of: number) ?? String(number)
    default: return String(Int64(bitPattern: value))
    }
  }
}

/// 6 digits where they give the number back, 9 otherwise: protobuf's `SimpleFtoa`.
private func shortest(_ value: Float) -> String {
  if let word = wordOf(Double(value)) { return word }
  let short = formatted(Double(value), digits: 6)
  // strtof reports an underflow for a subnormal, and protobuf takes that for a failure.
  return Float(short) == value && !value.isSubnormal ? short : formatted(Double(value), digits: 9)
}

/// 15 digits where they give the number back, 17 otherwise: protobuf's `SimpleDtoa`.
private func shortest(_ value: Double) -> String {
  if let word = wordOf(value) { return word }
  let short = formatted(value, digits: 15)
  return Double(short) == value ? short : formatted(value, digits: 17)
}

private func wordOf(_ value: Double) -> String? {
  if value.isNaN { return "nan" }
  if value.isInfinite { return value < 0 ? "-inf" : "inf" }
  return nil
}

/// As C's `%.<digits>g` writes it.
private func formatted(_ value: Double, digits: Int32) -> String {
  // 17 digits, sign, point and exponent are 24 characters; of more, `vsnprintf` would leave some out.
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 40) { buffer in
    let length = withVaList([digits, value]) {
      vsnprintf(buffer.baseAddress, buffer.count, "%.*g", $0)
    }
    let bytes = buffer.prefix(max(Int(length), 0)).map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

private func padded(_ digits: String, to length: Int) -> String {
  String(repeating: "0", count: max(length - digits.count, 0)) + digits
}

/// As protobuf's `CEscape`: everything outside printable ASCII in octal.
private func escaped(_ bytes: ArraySlice<UInt8>) -> String {
  var text = ""
  for byte in bytes {
    switch byte {
    case 0x0A: text += "\\n"
    case 0x0D: text += "\\r"
    case 0x09: text += "\\t"
    case 0x22: text += "\\\""
    case 0x27: text += "\\'"
    case 0x5C: text += "\\\\"
    case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
    default: text += "\\" + padded(String(byte, radix: 8), to: 3)
    }
  }
  return text
}
