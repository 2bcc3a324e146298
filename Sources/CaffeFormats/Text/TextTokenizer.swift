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

/// Cuts a text into words, by the rules of protobuf's `io/tokenizer.cc`.
struct TextTokenizer {
  private let bytes: [UInt8]
  private var index = 0
  private var position = TextPosition(line: 1, column: 1)
  /// What error messages call the text.
  let file: String

  init(_ bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  func error(_ problem: String, at position: TextPosition) -> CaffeFileError {
    CaffeFileError(file: file, place: .text(position), problem: problem)
  }

  /// The next word; the end again and again once there are no more.
  mutating func next() throws(CaffeFileError) -> TextToken {
    skipSpace()
    let start = position
    let first = index
    guard let byte = peek() else { return TextToken(kind: .end, text: "", position: start) }
    let kind: TextToken.Kind
    switch byte {
    case _ where byte.isLetter:
      while let byte = peek(), byte.isLetter || byte.isDigit { advance() }
      kind = .identifier
    case _ where byte.isDigit:
      kind = try number(at: start)
    case UInt8(ascii: ".") where peek(1)?.isDigit == true:
      kind = try number(at: start)
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      kind = .string(try string(quote: byte, at: start))
    case _ where byte > 0x20 && byte < 0x7F:
      advance()
      kind = .symbol
    default:
      throw error(
        byte < 0x80
          ? "a control character (byte \(byte)) is not allowed in the text"
          : "a character outside ASCII is allowed in strings and comments only", at: start)
    }
    let text = String(decoding: bytes[first..<index], as: UTF8.self)
    return TextToken(kind: kind, text: text, position: start)
  }

  private func peek(_ distance: Int = 0) -> UInt8? {
    index + distance < bytes.count ? bytes[index + distance] : nil
  }

  private mutating func advance() {
    guard index < bytes.count else { return }
    if bytes[index] == UInt8(ascii: "\n") {
      position = TextPosition(line: position.line + 1, column: 1)
    } else if bytes[index] & 0xC0 != 0x80 {
      // Not a byte that continues a character of UTF-8.
      position.column += 1
    }
    index += 1
  }

  private mutating func skipSpace() {
    while let byte = peek() {
      if byte == UInt8(ascii: "#") {
        while let byte = peek(), byte != UInt8(ascii: "\n") { advance() }
      } else if byte == 0x20 || (0x09...0x0D).contains(byte) {
        advance()
      } else {
        return
      }
    }
  }
}

// MARK: - Numbers

extension TextTokenizer {
  private mutating func number(at start: TextPosition) throws(CaffeFileError) -> TextToken.Kind {
    var isFloat = false
    if peek() == UInt8(ascii: "0"), peek(1) == UInt8(ascii: "x") || peek(1) == UInt8(ascii: "X") {
      advance()
      advance()
      guard digits(\.isHexadecimal) > 0 else {
        throw error("\"0x\" must be followed by hexadecimal digits", at: position)
      }
    } else if peek() == UInt8(ascii: "0"), peek(1)?.isDigit == true {
      digits { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
      guard peek()?.isDigit != true else {
        throw error("a number with a leading 0 is octal and has no digit 8 or 9", at: start)
      }
    } else {
      digits(\.isDigit)
      if peek() == UInt8(ascii: ".") {
        isFloat = true
        advance()
        digits(\.isDigit)
      }
      if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
        isFloat = true
        advance()
        if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { advance() }
        guard digits(\.isDigit) > 0 else {
          throw error("\"e\" must be followed by an exponent", at: position)
        }
      }
      if peek() == UInt8(ascii: "f") || peek() == UInt8(ascii: "F") {
        isFloat = true
        advance()
      }
    }
    if let byte = peek(), byte.isLetter || byte.isDigit {
      throw error("a number and a word need a space between them", at: position)
    }
    guard peek() != UInt8(ascii: ".") else {
      throw error("a number has one decimal point, and none behind an exponent", at: position)
    }
    return isFloat ? .float : .integer
  }

  /// Passes over digits of a kind and counts them.
  @discardableResult
  private mutating func digits(_ belongs: (UInt8) -> Bool) -> Int {
    let start = index
    while let byte = peek(), belongs(byte) { advance() }
    return index - start
  }
}

// MARK: - Strings

extension TextTokenizer {
  private mutating func string(
    quote: UInt8, at start: TextPosition
  ) throws(CaffeFileError) -> [UInt8] {
    var content: [UInt8] = []
    advance()
    while let byte = peek() {
      if byte == quote {
        advance()
        return content
      }
      guard byte != UInt8(ascii: "\n") else {
        throw error("a string must end on the line on which it starts", at: start)
      }
      guard byte != 0 else { throw error("a string can't contain byte 0", at: position) }
      if byte == UInt8(ascii: "\\") {
        content += try escape()
      } else {
        content.append(byte)
        advance()
      }
    }
    throw error(
      "a string is never closed: \(Character(Unicode.Scalar(quote))) is missing", at: start)
  }

  /// What a backslash and the letters behind it stand for.
  private mutating func escape() throws(CaffeFileError) -> [UInt8] {
    let start = position
    advance()
    guard let letter = peek() else { throw error("a string is never closed", at: start) }
    if let byte = simpleEscapes[letter] {
      advance()
      return [byte]
    }
    switch letter {
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      return [UInt8(truncatingIfNeeded: value(base: 8, upTo: 3))]
    case UInt8(ascii: "x"), UInt8(ascii: "X"):
      advance()
      guard peek()?.isHexadecimal == true else { break }
      return [UInt8(truncatingIfNeeded: value(base: 16, upTo: 2))]
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let length = letter == UInt8(ascii: "u") ? 4 : 8
      advance()
      let before = index
      let code = value(base: 16, upTo: length)
      guard index - before == length, let scalar = Unicode.Scalar(code) else { break }
      return Array(String(Character(scalar)).utf8)
    default: break
    }
    throw error("no escape is written like this in a string", at: start)
  }

  private mutating func value(base: UInt32, upTo length: Int) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<length {
      guard let digit = peek()?.digitValue, digit < base else { break }
      value = value &* base &+ digit
      advance()
    }
    return value
  }
}

private let simpleEscapes: [UInt8: UInt8] = [
  UInt8(ascii: "a"): 0x07, UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C,
  UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
  UInt8(ascii: "v"): 0x0B, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "?"): 0x3F,
  UInt8(ascii: "'"): 0x27, UInt8(ascii: "\""): 0x22,
]

extension UInt8 {
  fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

  /// A letter of ASCII or an underscore.
  fileprivate var isLetter: Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
  }

  fileprivate var isHexadecimal: Bool { digitValue != nil }

  /// What the letter counts as a hexadecimal digit.
  fileprivate var digitValue: UInt32? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(self - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(self - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(self - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
