import CaffeMessages
import SwiftProtobuf

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The names, numbers and types of a message's fields, which the text format needs at run time.
struct MessageSchema: Sendable {
  /// The name without its package, for example `LayerParameter`.
  let name: String
  /// In the order of their numbers.
  let fields: [FieldSchema]
  private let byName: [String: FieldSchema]
  private let byNumber: [Int: FieldSchema]

  fileprivate init(name: String, fields: [FieldSchema]) {
    self.name = name
    self.fields = fields.sorted { $0.number < $1.number }
    byName = Dictionary(fields.map { ($0.name, $0) }) { first, _ in first }
    byNumber = Dictionary(fields.map { ($0.number, $0) }) { first, _ in first }
  }

  func field(named name: String) -> FieldSchema? { byName[name] }

  func field(numbered number: Int) -> FieldSchema? { byNumber[number] }

  /// The schema of a message of `caffe.proto`; one without fields if there is no such message.
  static func named(_ name: String) -> MessageSchema {
    all[name] ?? MessageSchema(name: name, fields: [])
  }

  /// The schema of a generated message type.
  static func of(_ type: (some Message).Type) -> MessageSchema {
    named(withoutPackage(type.protoMessageName))
  }

  private static let all = readAll()
}

/// One field of a message.
struct FieldSchema: Sendable {
  enum Kind: Sendable {
    case float, double, int32, int64, uint32, bool, string, bytes
    case enumeration(EnumSchema)
    /// A message, by its name.
    case message(String)
  }

  let name: String
  let number: Int
  let isRepeated: Bool
  let isRequired: Bool
  let kind: Kind

  /// The schema of the messages that the field holds.
  var message: MessageSchema? {
    if case .message(let name) = kind { return .named(name) }
    return nil
  }
}

/// The values of an enumeration.
struct EnumSchema: Sendable {
  let name: String
  let values: [(name: String, number: Int32)]

  func number(of name: String) -> Int32? { values.first { $0.name == name }?.number }

  func name(of number: Int32) -> String? { values.first { $0.number == number }?.name }
}

private func withoutPackage(_ name: String) -> String {
  String(name.drop { $0 == "." }.split(separator: ".").last ?? "")
}

/// Reads the description that was generated along with the messages. A test holds it complete.
private func readAll() -> [String: MessageSchema] {
  guard let data = Data(base64Encoded: caffeFileDescriptorSet),
    let set = try? Google_Protobuf_FileDescriptorSet(serializedBytes: data)
  else { return [:] }
  var schemas: [String: MessageSchema] = [:]
  for file in set.file {
    for message in file.messageType {
      let enumerations = (file.enumType + message.enumType).map { enumeration in
        EnumSchema(
          name: enumeration.name, values: enumeration.value.map { ($0.name, $0.number) })
      }
      let fields = message.field.compactMap { FieldSchema($0, enumerations: enumerations) }
      schemas[message.name] = MessageSchema(name: message.name, fields: fields)
    }
  }
  return schemas
}

extension FieldSchema {
  fileprivate init?(
    _ descriptor: Google_Protobuf_FieldDescriptorProto, enumerations: [EnumSchema]
  ) {
    let typeName = withoutPackage(descriptor.typeName)
    switch descriptor.type {
    case .float: kind = .float
    case .double: kind = .double
    case .int32: kind = .int32
    case .int64: kind = .int64
    case .uint32: kind = .uint32
    case .bool: kind = .bool
    case .string: kind = .string
    case .bytes: kind = .bytes
    case .message: kind = .message(typeName)
    case .enum:
      // A message's own enumeration hides one of the file, as it does for protoc.
      kind = .enumeration(
        enumerations.last { $0.name == typeName } ?? EnumSchema(name: typeName, values: []))
    default: return nil
    }
    name = descriptor.name
    number = Int(descriptor.number)
    isRepeated = descriptor.label == .repeated
    isRequired = descriptor.label == .required
  }
}

/// The known name that somebody most likely meant, `nil` if none is near.
///
/// - Parameters:
///   - name: what was written.
///   - known: what could have been meant.
func nearestName(to name: String, among known: some Sequence<String>) -> String? {
  // Two of three letters right is near enough to be worth a guess.
  let limit = max(name.count / 3, 1)
  let distances = known.map { (distance(name, $0, limit: limit), $0) }
  return distances.filter { $0.0 <= limit }.min { $0 < $1 }?.1
}

/// The letters to insert, remove, replace or exchange with their neighbours to make one name of another
/// (Damerau 1964); any number above `limit` when it takes more than that.
private func distance(_ first: String, _ second: String, limit: Int) -> Int {
  let (a, b) = (Array(first.utf8), Array(second.utf8))
  guard abs(a.count - b.count) <= limit else { return limit + 1 }
  // The distances of all beginnings of b from the beginnings of a: of the one before last, the last, this.
  var (before, last, row) = ([Int](), [Int](), Array(0...b.count))
  for (i, letter) in a.enumerated() {
    (before, last) = (last, row)
    row[0] = i + 1
    for (j, other) in b.enumerated() {
      row[j + 1] = min(last[j] + (letter == other ? 0 : 1), row[j] + 1, last[j + 1] + 1)
      if i > 0, j > 0, letter == b[j - 1], a[i - 1] == other {
        row[j + 1] = min(row[j + 1], before[j - 1] + 1)
      }
    }
  }
  return row[b.count]
}

/// `; did you mean "name"?`, or nothing where nothing is near.
func suggestion(for name: String, among known: some Sequence<String>) -> String {
  nearestName(to: name, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
}
