/// A message as it was written down: its fields in the order of the text, each with its place.
struct TextMessage: Sendable {
  /// A field that was written down.
  struct Field: Sendable {
    let schema: FieldSchema
    let position: TextPosition
    let value: Value
  }

  /// What a field holds.
  enum Value: Sendable {
    case message(TextMessage)
    case float(Float)
    case double(Double)
    /// Of any kind of integer, an enumeration or a truth value: as the binary format numbers it.
    case integer(Int64)
    case bytes([UInt8])
  }

  let schema: MessageSchema
  /// Where it starts: at its field's name, or at the start of the text.
  let position: TextPosition
  var fields: [Field] = []

  /// The messages in the fields of the given names, in the order of the text.
  func messages(in names: String...) -> [TextMessage] {
    fields.compactMap { field in
      guard names.contains(field.schema.name), case .message(let message) = field.value else {
        return nil
      }
      return message
    }
  }

  /// The place of the first field of this name, looked for in the message and in those within it.
  func position(ofFirst name: String) -> TextPosition? {
    for field in fields {
      if field.schema.name == name { return field.position }
      if case .message(let message) = field.value, let found = message.position(ofFirst: name) {
        return found
      }
    }
    return nil
  }
}
