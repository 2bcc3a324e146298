/// A word of protobuf's text format.
struct TextToken: Equatable {
  enum Kind: Equatable {
    case identifier
    /// Digits: decimal, octal behind a 0, or hexadecimal behind 0x.
    case integer
    case float
    /// The bytes between the quotes, escapes resolved.
    case string([UInt8])
    case symbol
    case end
  }

  var kind: Kind
  /// As it stands in the text.
  var text: String
  var position: TextPosition

  /// For messages: `"alpha"`, or that the text is over.
  var description: String { kind == .end ? "the end of the text" : "\"\(text)\"" }
}
