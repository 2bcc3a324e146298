import NumPyFiles
import ONNXMessages
import TensorFiles
import Tensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Makes arrays of ONNX's tensors, whose numbers are in one of several fields or in another file.
struct TensorReader {
  private let file: String
  private let folder: URL?
  /// The files beside the model that have been read.
  private var contents: [String: [UInt8]] = [:]
  /// How many bytes have been taken out of them.
  private var taken = 0

  init(file: String, folder: URL?) {
    self.file = file
    self.folder = folder
  }

  /// The types of numbers by ONNX's codes (`TensorProto.DataType`), and how they are read.
  private static let types: [Int32: (name: String, format: NumberFormat)] = [
    1: ("float", .numpy(.float32)), 2: ("uint8", .numpy(.uint8)), 3: ("int8", .numpy(.int8)),
    4: ("uint16", .numpy(.uint16)), 5: ("int16", .numpy(.int16)), 6: ("int32", .numpy(.int32)),
    7: ("int64", .numpy(.int64)), 9: ("bool", .numpy(.bool)), 10: ("float16", .numpy(.float16)),
    11: ("double", .numpy(.float64)), 12: ("uint32", .numpy(.uint32)),
    13: ("uint64", .numpy(.uint64)), 16: ("bfloat16", .bfloat16),
  ]

  /// What ONNX calls a type, for messages.
  static func name(ofType code: Int32) -> String { types[code]?.name ?? "number \(code)" }

  /// The numbers of a tensor.
  ///
  /// - Throws: `TensorFileError` for numbers that are missing, doubled, too many or too few.
  /// - Complexity: O(numbers).
  mutating func array(
    of tensor: Onnx_TensorProto, place: FilePlace
  ) throws(TensorFileError) -> NumPyArray {
    guard let (type, format) = Self.types[tensor.dataType] else {
      throw place.error("numbers of type \(tensor.dataType) are not read")
    }
    let shape: Shape
    do {
      shape = try Shape(checking: tensor.dims.map(Int.init))
    } catch {
      throw place.error("\(error)")
    }
    let (size, overflow) = shape.count.multipliedReportingOverflow(by: format.size)
    let fields: [(name: String, isPresent: Bool)] = [
      ("raw_data", tensor.hasRawData), ("float_data", !tensor.floatData.isEmpty),
      ("int32_data", !tensor.int32Data.isEmpty), ("int64_data", !tensor.int64Data.isEmpty),
      ("double_data", !tensor.doubleData.isEmpty), ("uint64_data", !tensor.uint64Data.isEmpty),
      ("external_data", tensor.dataLocation == .external),
    ]
    let present = fields.filter(\.isPresent).map(\.name)
    guard present.count <= 1 else {
      throw place.error("its numbers are in \(present.joined(separator: " and in "))")
    }
    let bytes: [UInt8]
    switch present.first {
    case "raw_data": bytes = Array(tensor.rawData)
    case "external_data": bytes = try external(tensor, needed: overflow ? .max : size, place: place)
    case let field: bytes = try Self.bytes(of: tensor, in: field, type, format, place: place)
    }
    guard !overflow, bytes.count == size else {
      throw place.error(
        "has \(bytes.count) bytes",
        remedy: "shape \(shape) of \(type) needs \(overflow ? "more than 2^63" : "\(size)")")
    }
    return format.array(shape, bytes)
  }

  /// The bytes of numbers that are in a field of their own type.
  private static func bytes(
    of tensor: Onnx_TensorProto, in field: String?, _ type: String, _ format: NumberFormat,
    place: FilePlace
  ) throws(TensorFileError) -> [UInt8] {
    var bytes: [UInt8] = []
    switch (field, format) {
    case (nil, _): break
    case ("float_data", .numpy(.float32)):
      for number in tensor.floatData { bytes.appendLittleEndian(number.bitPattern) }
    case ("double_data", .numpy(.float64)):
      for number in tensor.doubleData { bytes.appendLittleEndian(number.bitPattern) }
    case ("int64_data", .numpy(.int64)):
      for number in tensor.int64Data { bytes.appendLittleEndian(number) }
    case ("uint64_data", .numpy(.uint64)), ("uint64_data", .numpy(.uint32)):
      for number in tensor.uint64Data { bytes += prefix(number, format.size) }
    case ("int32_data", .bfloat16), ("int32_data", .numpy(.float16)), ("int32_data", .numpy(.bool)),
      ("int32_data", .numpy(.int8)), ("int32_data", .numpy(.uint8)), ("int32_data", .numpy(.int16)),
      ("int32_data", .numpy(.uint16)), ("int32_data", .numpy(.int32)):
      for number in tensor.int32Data {
        bytes += prefix(UInt64(bitPattern: Int64(number)), format.size)
      }
    case (let field?, _):
      throw place.error("numbers of type \(type) can't be in \(field)")
    }
    return bytes
  }

  /// The lowest bytes of a number.
  private static func prefix(_ number: UInt64, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
  }

  // MARK: - Files beside the model

  /// The part of another file that a tensor's numbers are.
  private mutating func external(
    _ tensor: Onnx_TensorProto, needed: Int, place: FilePlace
  ) throws(TensorFileError) -> [UInt8] {
    var facts: [String: String] = [:]
    for entry in tensor.externalData { facts[entry.key] = entry.value }
    let location = facts["location"] ?? ""
    func number(_ key: String) throws(TensorFileError) -> Int? {
      guard let text = facts[key] else { return nil }
      guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else {
        throw place.error("its \(key) in \"\(location)\" is \"\(text)\", not a whole number")
      }
      return number
    }
    let content = try content(at: location, place: place)
    let offset = try number("offset") ?? 0
    guard offset <= content.count else {
      throw place.error(
        "its numbers begin at byte \(offset) of \"\(location)\", which has \(content.count)")
    }
    let length = try number("length") ?? content.count - offset
    guard length <= content.count - offset else {
      throw place.error(
        "its \(length) bytes from byte \(offset) on reach beyond \"\(location)\", which has "
          + "\(content.count)")
    }
    // What doesn't fit isn't copied.
    guard length == needed else {
      throw place.error("has \(length) bytes in \"\(location)\"", remedy: "it needs \(needed)")
    }
    // Tensors may share bytes, but a short file of many names may not make gigabytes of them.
    taken += length
    let present = contents.values.reduce(0) { $0 + $1.count }
    guard taken <= 4 * present else {
      throw place.error(
        "the tensors take \(taken) bytes out of the \(present) of the files beside the model",
        remedy: "each should have bytes of its own")
    }
    return Array(content[offset..<offset + length])
  }

  /// The content of a file in the model's folder.
  private mutating func content(
    at location: String, place: FilePlace
  ) throws(TensorFileError) -> [UInt8] {
    if let content = contents[location] { return content }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    let isInside =
      !location.isEmpty && !location.contains { $0 == "\\" || $0 == "\0" || $0 == ":" }
      && parts.allSatisfy { !$0.isEmpty && $0 != ".." }
    guard isInside else {
      throw place.error(
        "its numbers are in \"\(location)\", which is no path inside of the model's folder",
        remedy: "no other file is read")
    }
    guard let folder else {
      throw place.error("its numbers are in \"\(location)\", but the model has no folder")
    }
    // Links may not lead out of the folder either, and only a file has an end.
    let base = folder.resolvingSymlinksInPath().path
    let url = folder.appending(path: location).resolvingSymlinksInPath()
    let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
    guard let attributes else {
      throw place.error(
        "its numbers are in \"\(location)\", which is missing",
        remedy: "put that file beside the model: both belong together")
    }
    guard url.path.hasPrefix(base.hasSuffix("/") ? base : base + "/"),
      attributes[.type] as? FileAttributeType == .typeRegular
    else {
      throw place.error(
        "its numbers are in \"\(location)\", which is no file inside of the model's folder",
        remedy: "no other file is read")
    }
    let content = try NumPyFiles.contents(of: url)
    contents[location] = content
    return content
  }
}
