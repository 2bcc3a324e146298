/// Reads JSON (RFC 8259) piece by piece, strictly, saying where something is wrong.
///
/// Who reads says what has to come: so nothing is built of a file that claims something else, and a
/// name that occurs twice is seen, which Foundation's reader hides.
struct JSONReader {
  private let bytes: [UInt8]
  private let end: Int
  private let place: FilePlace
  private(set) var position: Int

  /// A reader of a part of a file.
  init(_ bytes: [UInt8], _ range: Range<Int>, place: FilePlace) {
    self.bytes = bytes
    self.place = place
    position = range.lowerBound
    end = range.upperBound
  }

  private func error(_ problem: String, at offset: Int? = nil) -> TensorFileError {
    place.error(problem, at: offset ?? position)
  }

  /// The next byte that is no white space; nil at the end.
  mutating func peek() -> UInt8? {
    while position < end, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    return position < end ? bytes[position] : nil
  }

  /// Takes a sign if it comes next.
  mutating func take(_ sign: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: sign) else { return false }
    position += 1
    return true
  }

  /// Takes a sign that has to come next.
  mutating func expect(_ sign: Unicode.Scalar, _ what: String) throws(TensorFileError) {
    guard take(sign) else { throw error("\(what) needs a '\(sign)' here") }
  }

  /// Reads an object: the closure takes each value, after its name.
  mutating func object(
    _ what: String, _ value: (String, inout JSONReader) throws(TensorFileError) -> Void
  ) throws(TensorFileError) {
    try expect("{", what)
    if take("}") { return }
    repeat {
      let name = try text("a name in \(what)")
      try expect(":", what)
      try value(name, &self)
    } while take(",")
    try expect("}", what)
  }

  /// Reads a list: the closure takes each value.
  mutating func list(
    _ what: String, _ value: (inout JSONReader) throws(TensorFileError) -> Void
  ) throws(TensorFileError) {
    try expect("[", what)
    if take("]") { return }
    repeat { try value(&self) } while take(",")
    try expect("]", what)
  }

  /// Reads a whole number from 0 up.
  mutating func natural(_ what: String) throws(TensorFileError) -> Int {
    _ = peek()
    let start = position
    while position < end, !",]} \n\r\t".utf8.contains(bytes[position]) { position += 1 }
    let digits = bytes[start..<position]
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
      digits.count == 1 || digits.first != 0x30,
      let number = Int(String(decoding: digits, as: UTF8.self))
    else {
      throw error("\(what) must be a whole number from 0 to 2^63 - 1", at: start)
    }
    return number
  }

  /// Reads a text in quotes.
  mutating func text(_ what: String) throws(TensorFileError) -> String {
    try expect("\"", what)
    let start = position
    var unescaped: [UInt8] = []
    while position < end {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: unescaped, as: UTF8.self) else {
          throw error("\(what) must be text in UTF-8", at: start)
        }
        return text
      case UInt8(ascii: "\\"):
        unescaped += String(try escape(what)).utf8
      case 0..<0x20:
        throw error("\(what) has a control character without an escape", at: position - 1)
      default:
        unescaped.append(byte)
      }
    }
    throw error("\(what) never ends", at: start)
  }

  /// What stands behind a backslash.
  private mutating func escape(_ what: String) throws(TensorFileError) -> Unicode.Scalar {
    let start = position - 1
    guard position < end else { throw error("\(what) never ends", at: start) }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let unit = hexadecimal() else { break }
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // Signs beyond 16 bits are written as two halves.
      guard unit < 0xDC00, position + 1 < end, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { break }
      position += 2
      guard let low = hexadecimal(), (0xDC00...0xDFFF).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
      else { break }
      return scalar
    default: break
    }
    throw error("\(what) has an escape that JSON doesn't know", at: start)
  }

  private mutating func hexadecimal() -> UInt32? {
    guard end - position >= 4 else { return nil }
    let digits = bytes[position..<position + 4]
    position += 4
    guard digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }) else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  /// Passes over a value of any kind.
  ///
  /// - Parameter depth: how many lists and objects it lies in; more than 100 are refused, so that the
  ///   stack suffices.
  mutating func skip(_ what: String, depth: Int = 0) throws(TensorFileError) {
    guard depth < 100 else { throw error("\(what) nests deeper than 100 levels") }
    switch peek() {
    case UInt8(ascii: "{"):
      try object(what) { _, reader throws(TensorFileError) in
        try reader.skip(what, depth: depth + 1)
      }
    case UInt8(ascii: "["):
      try list(what) { reader throws(TensorFileError) in
        try reader.skip(what, depth: depth + 1)
      }
    case UInt8(ascii: "\""):
      _ = try text(what)
    default:
      let start = position
      while position < end, !",]} \n\r\t".utf8.contains(bytes[position]) { position += 1 }
      let word = String(decoding: bytes[start..<position], as: UTF8.self)
      let isNumber =
        Double(word) != nil && word.utf8.allSatisfy { "+-.0123456789eE".utf8.contains($0) }
      guard isNumber || ["true", "false", "null"].contains(word) else {
        throw error("\(what) needs a value here", at: start)
      }
    }
  }
}
