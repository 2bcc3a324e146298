import NumPyFiles
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Named tensors in one file, as the library safetensors writes them.
///
/// ```swift
/// let file = try SafeTensors(contentsOf: URL(filePath: "model.safetensors"))
/// let weights = file.tensors["features.0.weight"]?.tensor(as: Float.self)
/// ```
///
/// The format: the length of a header (8 bytes), the header in JSON, the numbers. Nothing in it is
/// executed, and each byte of the numbers belongs to one tensor.
///
/// Source: the format's description at https://github.com/huggingface/safetensors.
public struct SafeTensors: Sendable, Equatable {
  /// The tensors by name, in the order of the header. Numbers of 16 bits are widened to `Float`
  /// when they are read.
  public var tensors: NumPyArchive

  /// What the file says of itself: texts by name.
  public var metadata: [String: String]

  /// Tensors to be written.
  public init(_ tensors: NumPyArchive = NumPyArchive(), metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The longest header that is read, that of the library too.
  static let headerLimit = 100_000_000
  /// The one name that no tensor may have.
  static let metadataName = "__metadata__"

  /// Reads a file.
  ///
  /// - Throws: `TensorFileError` naming tensor and byte when the file is unreadable, not what it
  ///   says, or has numbers of a type that is not read (those of 8 bits and less, complex ones).
  /// - Complexity: O(length) of the file, in memory twice; three times for numbers of 16 bits.
  public init(contentsOf url: URL) throws(TensorFileError) {
    try self.init(decoding: try contents(of: url), name: url.relativePath)
  }

  /// Reads the content of a file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what error messages call it.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: as `init(contentsOf:)`.
  public init(decoding bytes: [UInt8], name: String = "file") throws(TensorFileError) {
    let header = try SafeTensorsHeader(bytes, place: FilePlace(file: name))
    self.init(metadata: header.metadata)
    for entry in header.entries {
      tensors[entry.name] = entry.format.array(entry.shape, Array(bytes[entry.range]))
    }
  }

  /// Writes a file as the library does: wide numbers first, then by name; numbers begin at a
  /// multiple of 8. The same tensors give the same bytes. The file appears whole or not at all.
  ///
  /// - Throws: `TensorFileError` when a tensor has the name of the metadata, or the file can't be
  ///   written.
  /// - Complexity: O(length) of the file, and O(n·log n) for n tensors; besides the tensors only the
  ///   header takes memory.
  public func write(to url: URL) throws(TensorFileError) {
    let place = FilePlace(file: url.relativePath)
    let pieces = try pieces(place: place)
    do {
      try WholeFile.write(pieces, to: url)
    } catch {
      throw place.error(error.problem)
    }
  }

  /// The content of the file that `write(to:)` writes.
  ///
  /// - Throws: `TensorFileError` when a tensor has the name of the metadata.
  /// - Complexity: O(length) of the file.
  public func encoded() throws(TensorFileError) -> [UInt8] {
    Array(try pieces(place: FilePlace(file: "file")).joined())
  }

  /// The file in pieces, so that no second copy of the numbers is made.
  private func pieces(place: FilePlace) throws(TensorFileError) -> [[UInt8]] {
    guard tensors[Self.metadataName] == nil else {
      throw place.error(
        "no tensor can have the name \(Self.metadataName), which the format takes for itself")
    }
    let arrays = tensors.names.compactMap { name in tensors[name].map { (name: name, array: $0) } }
      .sorted {
        ($1.array.elementType.size, $0.name) < ($0.array.elementType.size, $1.name)
      }
    var fields: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0)):\(quoted($1))" }
      fields.append("\(quoted(Self.metadataName)):{\(texts.joined(separator: ","))}")
    }
    var start = 0
    for (name, array) in arrays {
      let end = start + array.bytes.count
      let extents = array.shape.dimensions.map(String.init).joined(separator: ",")
      fields.append(
        "\(quoted(name)):{\"dtype\":\"\(array.elementType.safeTensorsName)\","
          + "\"shape\":[\(extents)],\"data_offsets\":[\(start),\(end)]}")
      start = end
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
    var length: [UInt8] = []
    length.appendLittleEndian(UInt64(header.count))
    return [length, header] + arrays.map(\.array.bytes)
  }
}

/// A text as JSON has it.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\\(scalar)"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    case "\0"..<" ":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
