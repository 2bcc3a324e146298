/// An instruction of a pickle: its code, and what stands in the file behind it.
struct PickleOperation {
  /// What can stand behind a code.
  enum Argument: Equatable {
    case none
    case integer(Int)
    /// A whole number beyond 64 bits, which no tensor needs.
    case wideInteger
    case real(Double)
    case text(String)
    /// Bytes that are no text.
    case bytes
    /// A module and a name in it.
    case global(String, String)
  }

  var code: Code
  var argument: Argument
  /// Where the code stands.
  var offset: Int

  /// The instructions that PyTorch's files use, and those that are known well enough to name them.
  ///
  /// Source: the list of opcodes in Python's module pickletools.
  enum Code: UInt8 {
    case mark = 0x28, stop = 0x2E, protocolVersion = 0x80, frame = 0x95
    case none = 0x4E, newTrue = 0x88, newFalse = 0x89
    case integer4 = 0x4A, integer1 = 0x4B, integer2 = 0x4D, long1 = 0x8A, long4 = 0x8B
    case real = 0x47
    case text4 = 0x58, text1 = 0x8C, text8 = 0x8D
    // Texts of Python 2.
    case string1 = 0x55, string4 = 0x54
    case bytes1 = 0x43, bytes4 = 0x42, bytes8 = 0x8E
    case emptyTuple = 0x29, tuple = 0x74, tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87
    case emptyList = 0x5D, append = 0x61, appends = 0x65
    case emptyDictionary = 0x7D, setItem = 0x73, setItems = 0x75
    case put1 = 0x71, put4 = 0x72, memoize = 0x94, get1 = 0x68, get4 = 0x6A
    case global = 0x63, stackGlobal = 0x93, reduce = 0x52, build = 0x62, persistentID = 0x51
    // Refused wherever they stand: they make objects of classes.
    case instance = 0x69, object = 0x6F, newObject = 0x81, newObjectWithNames = 0x92
    case extension1 = 0x82, extension2 = 0x83, extension4 = 0x84

    /// Python's name of an instruction that is refused; nil for one that isn't.
    var refusedName: String? {
      switch self {
      case .instance: "INST"
      case .object: "OBJ"
      case .newObject: "NEWOBJ"
      case .newObjectWithNames: "NEWOBJ_EX"
      case .extension1: "EXT1"
      case .extension2: "EXT2"
      case .extension4: "EXT4"
      case .bytes1, .bytes4, .bytes8: "BINBYTES"
      default: nil
      }
    }
  }
}

/// Takes the instructions of a pickle apart. It executes nothing.
struct PickleReader {
  private let bytes: [UInt8]
  private let end: Int
  private let place: FilePlace
  private(set) var position: Int

  init(_ bytes: [UInt8], from start: Int = 0, place: FilePlace) {
    self.bytes = bytes
    self.place = place
    position = start
    end = bytes.count
  }

  /// The next instruction.
  ///
  /// - Throws: `TensorFileError` at the end of the bytes, for a code that isn't known, and for a
  ///   length beyond the end.
  mutating func next() throws(TensorFileError) -> PickleOperation {
    let start = position
    guard position < end else {
      throw place.error(
        "the pickle ends without its last instruction", at: start, remedy: "the file is truncated")
    }
    let byte = bytes[position]
    position += 1
    guard let code = PickleOperation.Code(rawValue: byte) else {
      throw place.error(
        "instruction 0x\(String(byte, radix: 16)) is none of those that a state dict needs",
        at: start)
    }
    return PickleOperation(code: code, argument: try argument(of: code, start), offset: start)
  }

  private mutating func argument(
    of code: PickleOperation.Code, _ start: Int
  ) throws(TensorFileError) -> PickleOperation.Argument {
    switch code {
    case .integer1, .put1, .get1, .protocolVersion, .extension1:
      return .integer(Int(try unsigned(1, start)))
    case .integer2, .extension2:
      return .integer(Int(try unsigned(2, start)))
    case .put4, .get4, .extension4:
      return .integer(Int(try unsigned(4, start)))
    case .integer4:
      return .integer(Int(Int32(truncatingIfNeeded: try unsigned(4, start))))
    case .frame:
      _ = try unsigned(8, start)
      return .none
    case .real:
      return .real(Double(bitPattern: try unsigned(8, start).byteSwapped))
    case .long1: return try long(lengthSize: 1, start)
    case .long4: return try long(lengthSize: 4, start)
    case .text1, .string1: return try text(lengthSize: 1, start)
    case .text4, .string4: return try text(lengthSize: 4, start)
    case .text8: return try text(lengthSize: 8, start)
    case .bytes1:
      _ = try content(lengthSize: 1, start)
      return .bytes
    case .bytes4:
      _ = try content(lengthSize: 4, start)
      return .bytes
    case .bytes8:
      _ = try content(lengthSize: 8, start)
      return .bytes
    case .global, .instance:
      let module = try line(start)
      return .global(module, try line(start))
    default:
      return .none
    }
  }

  private func cutOff(_ start: Int) -> TensorFileError {
    place.error(
      "an instruction reaches beyond the end of the pickle", at: start,
      remedy: "the file is truncated or damaged")
  }

  private mutating func unsigned(_ size: Int, _ start: Int) throws(TensorFileError) -> UInt64 {
    guard end - position >= size else { throw cutOff(start) }
    var number: UInt64 = 0
    for i in (0..<size).reversed() { number = number << 8 | UInt64(bytes[position + i]) }
    position += size
    return number
  }

  /// The bytes behind a length.
  private mutating func content(
    lengthSize: Int, _ start: Int
  ) throws(TensorFileError) -> Range<Int> {
    let length = try unsigned(lengthSize, start)
    guard length <= UInt64(end - position) else { throw cutOff(start) }
    let range = position..<position + Int(length)
    position = range.upperBound
    return range
  }

  private mutating func text(
    lengthSize: Int, _ start: Int
  ) throws(TensorFileError) -> PickleOperation.Argument {
    let range = try content(lengthSize: lengthSize, start)
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw place.error("a text is not in UTF-8", at: start)
    }
    return .text(text)
  }

  /// A whole number in as few bytes as it needs, lowest first, in two's complement.
  private mutating func long(
    lengthSize: Int, _ start: Int
  ) throws(TensorFileError) -> PickleOperation.Argument {
    let digits = bytes[try content(lengthSize: lengthSize, start)]
    guard digits.count <= 8 else { return .wideInteger }
    var number: UInt64 = (digits.last ?? 0) & 0x80 == 0 ? 0 : .max
    for digit in digits.reversed() { number = number << 8 | UInt64(digit) }
    return .integer(Int(Int64(bitPattern: number)))
  }

  private mutating func line(_ start: Int) throws(TensorFileError) -> String {
    // Names are short: what has no end in sight is damage.
    let limit = min(end, position + 1000)
    guard let newline = bytes[position..<limit].firstIndex(of: 0x0A) else { throw cutOff(start) }
    let text = String(decoding: bytes[position..<newline], as: UTF8.self)
    position = newline + 1
    return text
  }
}
