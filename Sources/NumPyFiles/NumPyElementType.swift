/// The types of numbers that are read; the raw values are numpy's names without the byte order.
public enum NumPyElementType: String, CaseIterable, Sendable {
  /// A truth value in a byte; any byte but 0 is true.
  case bool = "b1"
  /// A signed integer of 8 bits.
  case int8 = "i1"
  /// A signed integer of 16 bits.
  case int16 = "i2"
  /// A signed integer of 32 bits.
  case int32 = "i4"
  /// A signed integer of 64 bits.
  case int64 = "i8"
  /// An unsigned integer of 8 bits.
  case uint8 = "u1"
  /// An unsigned integer of 16 bits.
  case uint16 = "u2"
  /// An unsigned integer of 32 bits.
  case uint32 = "u4"
  /// An unsigned integer of 64 bits.
  case uint64 = "u8"
  /// A floating-point number of 16 bits.
  case float16 = "f2"
  /// A floating-point number of 32 bits.
  case float32 = "f4"
  /// A floating-point number of 64 bits.
  case float64 = "f8"

  /// The bytes that a number takes.
  public var size: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .float16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  /// What stands in the header for little-endian numbers of this type, for example `<f4`.
  var descriptor: String { (size == 1 ? "|" : "<") + rawValue }

  static var allNames: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
