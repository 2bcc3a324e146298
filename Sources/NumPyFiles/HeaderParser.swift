import Tensors

/// Reads the Python dictionary of a header: strings, True and False, and one tuple of integers.
///
/// This is all of Python's syntax that numpy writes there, so nothing is ever evaluated.
struct HeaderParser {
  let text: [UInt8]
  /// Where the text begins in the file, for error messages.
  let base: Int
  let place: Place
  private var position = 0

  init(text: [UInt8], base: Int, place: Place) {
    self.text = text
    self.base = base
    self.place = place
  }

  struct Fields {
    var shape: Shape
    var elementType: NumPyElementType
    var isBigEndian: Bool
    var isFortranOrder: Bool
  }

  mutating func parse() throws(NumPyError) -> Fields {
    var type: (NumPyElementType, isBigEndian: Bool)?
    var order: Bool?
    var shape: Shape?
    try expect("{")
    while !take("}") {
      let start = position
      let key = try string()
      try expect(":")
      switch key {
      case "descr" where type == nil: type = try elementType()
      case "fortran_order" where order == nil: order = try boolean()
      case "shape" where shape == nil: shape = try tuple()
      case "descr", "fortran_order", "shape":
        throw error("the header gives '\(key)' twice", at: start)
      default:
        throw error(
          "the header has an unknown key '\(key)'", at: start,
          remedy: "it needs 'descr', 'fortran_order' and 'shape'")
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipSpaces()
    guard position == text.count else {
      throw error("something follows the header's dictionary", at: position)
    }
    guard let type, let order, let shape else {
      let missing = type == nil ? "descr" : order == nil ? "fortran_order" : "shape"
      throw error(
        "the header lacks '\(missing)'", at: 0,
        remedy: "it needs 'descr', 'fortran_order' and 'shape'")
    }
    return Fields(
      shape: shape, elementType: type.0, isBigEndian: type.isBigEndian, isFortranOrder: order)
  }

  // MARK: Values

  private mutating func elementType() throws(NumPyError) -> (NumPyElementType, isBigEndian: Bool) {
    skipSpaces()
    let start = position
    guard let first = peek, first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") else {
      throw error(
        "the numbers are of a structured type", at: start,
        remedy: "plain \(NumPyElementType.allNames) are read")
    }
    let text = try string()
    let orders: [Character: Bool] = ["<": false, "|": false, "=": false, ">": true]
    if let order = text.first, let isBigEndian = orders[order],
      let type = NumPyElementType(rawValue: String(text.dropFirst()))
    {
      return (type, isBigEndian)
    }
    throw error(
      "numbers of type '\(text)' are not read", at: start,
      remedy: "\(NumPyElementType.allNames) are, behind <, > or |")
  }

  private mutating func boolean() throws(NumPyError) -> Bool {
    if take("True") { return true }
    if take("False") { return false }
    throw error("'fortran_order' is neither True nor False", at: position)
  }

  private mutating func tuple() throws(NumPyError) -> Shape {
    skipSpaces()
    let start = position
    var extents: [Int] = []
    try expect("(")
    while !take(")") {
      extents.append(try integer())
      if !take(",") {
        try expect(")")
        break
      }
    }
    do {
      return try Shape(checking: extents)
    } catch let problem {
      throw error("\(problem)", at: start)
    }
  }

  private mutating func integer() throws(NumPyError) -> Int {
    skipSpaces()
    let start = position
    while let byte = peek, byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) {
      position += 1
    }
    guard let number = Int(String(decoding: text[start..<position], as: UTF8.self)) else {
      throw error("'shape' needs a whole number below 2^31 here", at: start)
    }
    _ = take("L")  // as Python 2 wrote long integers
    return number
  }

  private mutating func string() throws(NumPyError) -> String {
    skipSpaces()
    let start = position
    guard let quote = peek, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw error("the header needs a quoted string here", at: start)
    }
    guard let end = text[(start + 1)...].firstIndex(of: quote) else {
      throw error("the quoted string never ends", at: start)
    }
    position = end + 1
    return String(decoding: text[(start + 1)..<end], as: UTF8.self)
  }

  // MARK: Characters

  private var peek: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpaces() {
    while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
  }

  /// Steps over a word if it stands here.
  private mutating func take(_ word: String) -> Bool {
    skipSpaces()
    guard text[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func expect(_ word: String) throws(NumPyError) {
    guard take(word) else { throw error("the header needs a '\(word)' here", at: position) }
  }

  private func error(_ problem: String, at position: Int, remedy: String? = nil) -> NumPyError {
    place.error(problem, at: base + position, remedy: remedy)
  }
}
