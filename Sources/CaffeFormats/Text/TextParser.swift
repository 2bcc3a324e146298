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

/// Reads protobuf's text format as `google/protobuf/text_format.cc` does, and takes and refuses
/// what it does; but its errors say where, and what was probably meant.
///
/// Messages nest no deeper than the schema, which has no cycles: no text makes the parser recurse
/// more than a few levels.
struct TextParser {
  private var tokenizer: TextTokenizer
  private var token: TextToken

  /// Reads a whole text.
  static func parse(
    _ bytes: [UInt8], as schema: MessageSchema, file: String
  ) throws(CaffeFileError) -> TextMessage {
    var parser = try TextParser(TextTokenizer(bytes, file: file))
    let start = TextPosition(line: 1, column: 1)
    return try parser.message(schema, from: start, until: nil)
  }

  private init(_ tokenizer: TextTokenizer) throws(CaffeFileError) {
    self.tokenizer = tokenizer
    token = try self.tokenizer.next()
  }

  private func error(_ problem: String, at position: TextPosition? = nil) -> CaffeFileError {
    tokenizer.error(problem, at: position ?? token.position)
  }

  private mutating func advance() throws(CaffeFileError) {
    token = try tokenizer.next()
  }

  private func isAt(_ symbol: String) -> Bool {
    token.kind == .symbol && token.text == symbol
  }

  private mutating func skip(_ symbol: String) throws(CaffeFileError) -> Bool {
    guard isAt(symbol) else { return false }
    try advance()
    return true
  }

  private mutating func message(
    _ schema: MessageSchema, from start: TextPosition, until end: String?
  ) throws(CaffeFileError) -> TextMessage {
    var message = TextMessage(schema: schema, position: start)
    var seen: Set<Int> = []
    while end.map({ !isAt($0) }) ?? (token.kind != .end) {
      try field(of: schema, into: &message, seen: &seen, opened: end == nil ? nil : start)
    }
    if let missing = schema.fields.first(where: { $0.isRequired && !seen.contains($0.number) }) {
      throw error("\(schema.name) needs its field \"\(missing.name)\"", at: start)
    }
    if end != nil { try advance() }
    return message
  }

  private mutating func field(
    of schema: MessageSchema, into message: inout TextMessage, seen: inout Set<Int>,
    opened: TextPosition?
  ) throws(CaffeFileError) {
    guard token.kind == .identifier else {
      let message = opened.map { ": the message that starts at line \($0.line) is not closed" }
      throw error(
        token.kind == .end
          ? "the text ends too soon\(message ?? "")"
          : "expected the name of a field of \(schema.name), not \(token.description)")
    }
    let (name, position) = (token.text, token.position)
    guard let field = schema.field(named: name) else {
      let names = schema.fields.map(\.name)
      throw error(
        "there is no field \"\(name)\" in \(schema.name)\(suggestion(for: name, among: names))")
    }
    try advance()
    guard seen.insert(field.number).inserted || field.isRepeated else {
      throw error("field \"\(name)\" of \(schema.name) is given twice", at: position)
    }
    let hasColon = try skip(":")
    if field.message == nil, !hasColon {
      throw error("expected \":\" behind \"\(name)\", not \(token.description)")
    }
    if field.isRepeated, try skip("[") {
      if try !skip("]") {
        repeat {
          message.fields.append(try value(of: field, at: token.position))
        } while try skip(",")
        guard try skip("]") else {
          throw error("expected \",\" or \"]\" in a list, not \(token.description)")
        }
      }
    } else {
      message.fields.append(try value(of: field, at: position))
    }
    if try !skip(";") { _ = try skip(",") }
  }

  private mutating func value(
    of field: FieldSchema, at position: TextPosition
  ) throws(CaffeFileError) -> TextMessage.Field {
    if let schema = field.message {
      let end: String
      if try skip("{") {
        end = "}"
      } else if try skip("<") {
        end = ">"
      } else {
        throw error("expected \"{\" behind \"\(field.name)\", not \(token.description)")
      }
      let message = try message(schema, from: position, until: end)
      return TextMessage.Field(schema: field, position: position, value: .message(message))
    }
    return TextMessage.Field(schema: field, position: position, value: try scalar(of: field))
  }
}

// MARK: - Numbers, words and strings

extension TextParser {
  private mutating func scalar(of field: FieldSchema) throws(CaffeFileError) -> TextMessage.Value {
    switch field.kind {
    case .float: return .float(Float(try number(field)))
    case .double: return .double(try number(field))
    case .int32: return .integer(try integer(field, in: Int64(Int32.min)...Int64(Int32.max)))
    case .int64: return .integer(try integer(field, in: .min ... .max))
    case .uint32: return .integer(try integer(field, in: 0...Int64(UInt32.max)))
    case .bool: return .integer(try truth(field))
    case .enumeration(let schema): return .integer(try choice(field, schema))
    case .string, .bytes: return .bytes(try string(field))
    case .message: throw error("\"\(field.name)\" is a message")
    }
  }

  private func expected(_ what: String, _ field: FieldSchema) -> CaffeFileError {
    error("\"\(field.name)\" must be \(what), not \(token.description)")
  }

  private mutating func integer(
    _ field: FieldSchema, in range: ClosedRange<Int64>
  ) throws(CaffeFileError) -> Int64 {
    let what = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    let start = token.position
    let isNegative = range.lowerBound < 0 ? try skip("-") : false
    guard token.kind == .integer else { throw expected(what, field) }
    let sign = isNegative ? "-" : ""
    guard let value = Self.integer(token.text, negative: isNegative), range.contains(value) else {
      throw error("\"\(field.name)\" must be \(what), not \(sign)\(token.text)", at: start)
    }
    try advance()
    return value
  }

  private static func integer(_ text: String, negative: Bool) -> Int64? {
    let sign = negative ? "-" : ""
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      return Int64(sign + text.dropFirst(2), radix: 16)
    }
    return Int64(sign + text, radix: text.hasPrefix("0") ? 8 : 10)
  }

  private mutating func number(_ field: FieldSchema) throws(CaffeFileError) -> Double {
    let isNegative = try skip("-")
    let magnitude: Double
    switch token.kind {
    case .integer:
      guard token.text == "0" || !token.text.hasPrefix("0"), let value = Double(token.text) else {
        throw expected("a decimal number", field)
      }
      magnitude = value
    case .float:
      var digits = token.text.filter { $0 != "f" && $0 != "F" }
      if digits.hasPrefix(".") { digits = "0" + digits }
      guard let value = Double(digits) else { throw expected("a number", field) }
      magnitude = value
    case .identifier:
      switch token.text.lowercased() {
      case "inf", "infinity": magnitude = .infinity
      case "nan": magnitude = .nan
      default: throw expected("a number", field)
      }
    default:
      throw expected("a number", field)
    }
    try advance()
    return isNegative ? -magnitude : magnitude
  }

  private mutating func truth(_ field: FieldSchema) throws(CaffeFileError) -> Int64 {
    let value: Int64
    switch (token.kind, token.text) {
    case (.identifier, "true"), (.identifier, "True"), (.identifier, "t"): value = 1
    case (.identifier, "false"), (.identifier, "False"), (.identifier, "f"): value = 0
    case (.integer, let text):
      guard let number = Self.integer(text, negative: false), (0...1).contains(number) else {
        throw expected("true or false", field)
      }
      value = number
    default: throw expected("true or false", field)
    }
    try advance()
    return value
  }

  private mutating func choice(
    _ field: FieldSchema, _ schema: EnumSchema
  ) throws(CaffeFileError) -> Int64 {
    let names = schema.values.map(\.name)
    let what = "one of \(names.joined(separator: ", "))"
    if token.kind == .identifier {
      guard let number = schema.number(of: token.text) else {
        let suggestion = suggestion(for: token.text.uppercased(), among: names)
        throw error("\"\(field.name)\" must be \(what), not \(token.description)\(suggestion)")
      }
      try advance()
      return Int64(number)
    }
    let start = token.position
    let isNegative = try skip("-")
    guard token.kind == .integer else { throw expected(what, field) }
    guard let value = Self.integer(token.text, negative: isNegative),
      let number = Int32(exactly: value), schema.name(of: number) != nil
    else { throw error("\"\(field.name)\" must be \(what)", at: start) }
    try advance()
    return value
  }

  private mutating func string(_ field: FieldSchema) throws(CaffeFileError) -> [UInt8] {
    guard case .string(var content) = token.kind else {
      throw expected("a string in quotes", field)
    }
    try advance()
    // Strings beside each other are one, as in C.
    while case .string(let more) = token.kind {
      content += more
      try advance()
    }
    if case .string = field.kind { return textInUTF8(content) }
    return content
  }
}
