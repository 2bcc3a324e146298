import NumPyFiles
import Tensors

/// What the header of a safetensors file says, checked against the file's length.
struct SafeTensorsHeader {
  /// A tensor: where its numbers lie in the file, and how.
  struct Entry {
    var name: String
    var format: NumberFormat
    var shape: Shape
    var range: Range<Int>
  }

  /// In the order of the header.
  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]

  /// Reads the header and compares every claim with the file before anything is made of it.
  init(_ bytes: [UInt8], place: FilePlace) throws(TensorFileError) {
    let (start, limit) = (8, SafeTensors.headerLimit)
    guard let length = bytes.littleEndian(UInt64.self, at: 0), length <= UInt64(limit),
      length <= UInt64(bytes.count - start), bytes.count > start
    else {
      // Something else by this name is more likely than a damaged length.
      if let kind = FileKind(bytes), kind != .safetensors {
        throw place.error(kind.notice.problem, remedy: kind.notice.remedy)
      }
      guard let length = bytes.littleEndian(UInt64.self, at: 0) else {
        throw place.error(
          "\(bytes.count) bytes are no safetensors file",
          remedy: "it begins with the length of its header in 8 bytes")
      }
      throw place.error(
        "the header claims \(length) bytes, where the file has \(bytes.count - start) more", at: 0,
        remedy: "at most \(limit) are allowed")
    }
    let end = start + Int(length)
    var reader = JSONReader(bytes, start..<end, place: place)
    var names: Set<String> = []
    var hasMetadata = false
    // Closures can't change what an initializer has not finished.
    var (entries, metadata) = ([Entry](), [String: String]())
    try reader.object("the header") { name, reader throws(TensorFileError) in
      let offset = reader.position
      if name == SafeTensors.metadataName, !hasMetadata {
        hasMetadata = true
        metadata = try Self.metadata(&reader, place: place)
        return
      }
      guard names.insert(name).inserted, name != SafeTensors.metadataName else {
        throw place.error("the header has the name \"\(name)\" twice", at: offset)
      }
      entries.append(
        try Self.entry(
          name, &reader, place: place.part("tensor \"\(name)\""), data: end..<bytes.count))
    }
    guard reader.peek() == nil else {
      throw place.error("something follows the header's object", at: reader.position)
    }
    try Self.checkCoverage(entries, data: end..<bytes.count, place: place)
    self.entries = entries
    self.metadata = metadata
  }

  private static func metadata(
    _ reader: inout JSONReader, place: FilePlace
  ) throws(TensorFileError) -> [String: String] {
    var metadata: [String: String] = [:]
    try reader.object("the metadata") { name, reader throws(TensorFileError) in
      let offset = reader.position
      let text = try reader.text("\"\(name)\" of the metadata")
      guard metadata.updateValue(text, forKey: name) == nil else {
        throw place.error("the metadata has the name \"\(name)\" twice", at: offset)
      }
    }
    return metadata
  }

  private static func entry(
    _ name: String, _ reader: inout JSONReader, place: FilePlace, data: Range<Int>
  ) throws(TensorFileError) -> Entry {
    let start = reader.position
    var (type, extents, offsets): (String?, [Int]?, [Int]?)
    var typeOffset = start
    // A header can list far more numbers than any shape has.
    let axisLimit = 64
    func numbers(
      _ what: String, limit: Int, _ reader: inout JSONReader
    ) throws(TensorFileError) -> [Int] {
      var numbers: [Int] = []
      try reader.list(what) { reader throws(TensorFileError) in
        guard numbers.count < limit else {
          throw place.error("\(what) has more than \(limit) numbers", at: reader.position)
        }
        numbers.append(try reader.natural("a number of \(what)"))
      }
      return numbers
    }
    try reader.object("the entry") { field, reader throws(TensorFileError) in
      let offset = reader.position
      let isNew: Bool
      switch field {
      case "dtype":
        (isNew, typeOffset) = (type == nil, offset)
        type = try reader.text("dtype")
      case "shape":
        isNew = extents == nil
        extents = try numbers("shape", limit: axisLimit, &reader)
      case "data_offsets":
        isNew = offsets == nil
        offsets = try numbers("data_offsets", limit: 2, &reader)
      default:
        isNew = true
        try reader.skip("the field \"\(field)\"")
      }
      guard isNew else { throw place.error("the entry has \"\(field)\" twice", at: offset) }
    }
    guard let type, let extents, let offsets, offsets.count == 2 else {
      throw place.error(
        "the entry is incomplete", at: start,
        remedy: "it needs dtype, shape, and data_offsets with a beginning and an end")
    }
    guard let format = try format(type, at: typeOffset, place: place) else {
      throw place.error(
        "numbers of type \(type) are not read", at: typeOffset,
        remedy: "these are: \(readTypes)")
    }
    let shape: Shape
    do {
      shape = try Shape(checking: extents)
    } catch {
      throw place.error("\(error)", at: start)
    }
    let (size, overflow) = shape.count.multipliedReportingOverflow(by: format.size)
    let (first, last) = (offsets[0], offsets[1])
    guard first <= last, last <= data.count else {
      throw place.error(
        "data_offsets \(first) to \(last) do not lie in the \(data.count) bytes behind the header",
        at: start)
    }
    guard !overflow, last - first == size else {
      throw place.error(
        "data_offsets \(first) to \(last) are \(last - first) bytes", at: start,
        remedy: "shape \(shape) of \(type) needs \(overflow ? "more than 2^63" : "\(size)")")
    }
    return Entry(
      name: name, format: format, shape: shape,
      range: data.lowerBound + first..<data.lowerBound + last)
  }

  /// Refuses bytes that belong to nobody or to two: with them, one file could say different things to
  /// different readers, or a small one unpack to a huge one.
  private static func checkCoverage(
    _ entries: [Entry], data: Range<Int>, place: FilePlace
  ) throws(TensorFileError) {
    var end = data.lowerBound
    let inOrder = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for entry in inOrder {
      let start = entry.range.lowerBound
      guard start == end else {
        let name = place.part("tensor \"\(entry.name)\"")
        throw start < end
          ? name.error("its numbers begin inside those of another tensor", at: start)
          : name.error("\(start - end) bytes before its numbers belong to no tensor", at: end)
      }
      end = entry.range.upperBound
    }
    guard end == data.upperBound else {
      throw place.error("the last \(data.upperBound - end) bytes belong to no tensor", at: end)
    }
  }

  /// How numbers of a type are stored; nil for a type that the format has and that is not read.
  private static func format(
    _ type: String, at offset: Int, place: FilePlace
  ) throws(TensorFileError) -> NumberFormat? {
    if type == "BF16" { return .bfloat16 }
    if let known = NumPyElementType.allCases.first(where: { $0.safeTensorsName == type }) {
      return .numpy(known)
    }
    let others = [
      "C64", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0", "F6_E2M3", "F6_E3M2",
      "F4",
    ]
    guard others.contains(type) else {
      throw place.error(
        "there is no type \(type)", at: offset, remedy: "these are read: \(readTypes)")
    }
    return nil
  }

  private static var readTypes: String {
    (NumPyElementType.allCases.map(\.safeTensorsName) + ["BF16"]).joined(separator: ", ")
  }
}

extension NumPyElementType {
  /// What safetensors calls it.
  var safeTensorsName: String {
    switch self {
    case .bool: "BOOL"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .uint8: "U8"
    case .uint16: "U16"
    case .uint32: "U32"
    case .uint64: "U64"
    case .float16: "F16"
    case .float32: "F32"
    case .float64: "F64"
    }
  }
}
