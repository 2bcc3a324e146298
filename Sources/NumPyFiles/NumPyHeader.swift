import Tensors
import WholeFiles

/// The start of an `.npy` file: magic, version, and a Python dictionary as text.
///
/// ```
/// \x93NUMPY  major minor  length  {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  \n
/// 6 bytes    1     1      2 or 4  length bytes
/// ```
///
/// Version 1.0 gives the length in 2 bytes, 2.0 and 3.0 in 4. Source: numpy's `format.py` (NEP 1).
struct NumPyHeader: Equatable {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  var shape: Shape
  var elementType: NumPyElementType
  var isBigEndian = false
  var isFortranOrder = false
  /// Where the numbers begin.
  var dataOffset = 0

  init(shape: Shape, elementType: NumPyElementType) {
    self.shape = shape
    self.elementType = elementType
  }

  /// Reads the header at the start of a file.
  init(_ bytes: [UInt8], place: FilePlace) throws(FileError) {
    guard bytes.starts(with: Self.magic) else {
      let isZip = bytes.starts(with: Array("PK".utf8))
      throw place.error(
        "this is no .npy file", at: 0,
        remedy: isZip
          ? "it looks like an .npz archive, which NumPyArchive reads"
          : "one begins with \\x93NUMPY")
    }
    guard bytes.count >= 8 else {
      throw place.error("the file ends before its version", at: bytes.count)
    }
    let major = bytes[6]
    guard (1...3).contains(major), bytes[7] == 0 else {
      throw place.error(
        "version \(major).\(bytes[7]) of the format is unknown", at: 6,
        remedy: "1.0, 2.0 and 3.0 are read")
    }
    let start = major == 1 ? 10 : 12
    let length =
      major == 1
      ? bytes.littleEndian(UInt16.self, at: 8).map(Int.init)
      : bytes.littleEndian(UInt32.self, at: 8).map(Int.init)
    guard let length else {
      throw place.error("the file ends before the length of its header", at: bytes.count)
    }
    guard length <= bytes.count - start else {
      throw place.error(
        "the header of \(length) bytes reaches beyond the end of the file", at: 8,
        remedy: "\(bytes.count - start) bytes follow")
    }
    var parser = HeaderParser(text: Array(bytes[start..<start + length]), base: start, place: place)
    let fields = try parser.parse()
    self.init(shape: fields.shape, elementType: fields.elementType)
    isBigEndian = fields.isBigEndian
    isFortranOrder = fields.isFortranOrder
    dataOffset = start + length
  }

  /// The header as version 1.0 for little-endian numbers in C order, padded with spaces so that the
  /// numbers begin at a multiple of 64 bytes.
  ///
  /// Nil when the text exceeds the 65,535 bytes of version 1.0, which takes thousands of axes;
  /// numpy itself stops at 64.
  func encoded() -> [UInt8]? {
    let extents = shape.dimensions.map(String.init).joined(separator: ", ")
    let tuple = shape.rank == 1 ? "(\(extents),)" : "(\(extents))"
    let descriptor = elementType.descriptor
    let text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(tuple), }"
    let unpadded = 10 + text.utf8.count + 1
    let padding = (64 - unpadded % 64) % 64
    guard let length = UInt16(exactly: text.utf8.count + padding + 1) else { return nil }
    var bytes = Self.magic + [1, 0]
    bytes.appendLittleEndian(length)
    bytes += Array(text.utf8)
    bytes += [UInt8](repeating: UInt8(ascii: " "), count: padding)
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }
}

/// Reads the Python dictionary of a header: strings, True and False, and one tuple of integers.
///
/// This is all of Python's syntax that numpy writes there, so nothing is ever evaluated.
struct HeaderParser {
  let text: [UInt8]
  /// Where the text begins in the file, for error messages.
  let base: Int
  let place: FilePlace
  private var position = 0

  init(text: [UInt8], base: Int, place: FilePlace) {
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

  mutating func parse() throws(FileError) -> Fields {
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

  private mutating func elementType() throws(FileError) -> (NumPyElementType, isBigEndian: Bool) {
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

  private mutating func boolean() throws(FileError) -> Bool {
    if take("True") { return true }
    if take("False") { return false }
    throw error("'fortran_order' is neither True nor False", at: position)
  }

  private mutating func tuple() throws(FileError) -> Shape {
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

  private mutating func integer() throws(FileError) -> Int {
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

  private mutating func string() throws(FileError) -> String {
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

  private mutating func expect(_ word: String) throws(FileError) {
    guard take(word) else { throw error("the header needs a '\(word)' here", at: position) }
  }

  private func error(_ problem: String, at position: Int, remedy: String? = nil) -> FileError {
    place.error(problem, at: base + position, remedy: remedy)
  }
}
