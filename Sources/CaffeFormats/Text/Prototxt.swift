import CaffeMessages
import SwiftProtobuf
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A message that was read from a text, and where in the text its parts are.
///
/// ```swift
/// let solver = try Prototxt<Caffe_SolverParameter>(contentsOf: url)
/// print(solver.message.baseLr, solver.position(of: "base_lr"))
/// ```
public struct Prototxt<Content: Message>: Sendable {
  /// The file, as the caller named it.
  public let file: String
  /// What it says.
  public let message: Content
  let text: TextMessage

  /// The longest text that is read, in bytes. Networks of a thousand layers need less than one.
  static var limit: Int { 16 << 20 }

  /// Reads a file.
  ///
  /// - Throws: `CaffeFileError` with line and column for what protobuf's own parser refuses too.
  /// - Complexity: O(length) of the file.
  public init(contentsOf url: URL) throws(CaffeFileError) {
    let file = url.relativePath
    try self.init(
      decoding: try readFile(url, limit: Self.limit), file: file)
  }

  /// Reads a text.
  ///
  /// - Parameters:
  ///   - text: the whole text.
  ///   - file: what error messages call it.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: O(length) of the text.
  public init(parsing text: String, file: String = "text") throws(CaffeFileError) {
    try self.init(decoding: Array(text.utf8), file: file)
  }

  /// Reads the content of a file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file, text in UTF-8.
  ///   - file: what error messages call it.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: O(length) of the text.
  public init(decoding bytes: [UInt8], file: String = "text") throws(CaffeFileError) {
    self.file = file
    do throws(CaffeFileError) {
      text = try TextParser.parse(bytes, as: .of(Content.self), file: file)
    } catch {
      throw FileKind.explaining(
        error, of: bytes, expected: Content.self == Caffe_SolverParameter.self ? .solver : .network)
    }
    do {
      message = try Content(serializedBytes: WireWriter.encode(text), partial: true)
    } catch {
      throw CaffeFileError(file: file, problem: "cannot be read: \(error)")
    }
  }

  /// The place of the first field of a name, looked for in the message and all messages within.
  ///
  /// - Complexity: O(fields), those of inner messages included.
  public func position(of field: String) -> TextPosition? {
    text.position(ofFirst: field)
  }

  /// An error about a field, with its place.
  ///
  /// - Parameters:
  ///   - field: the field's name.
  ///   - problem: what is wrong with it, and what would be right.
  /// - Complexity: O(fields), to find the place.
  public func error(_ field: String, _ problem: String) -> CaffeFileError {
    CaffeFileError(file: file, place: position(of: field).map { .text($0) }, problem: problem)
  }
}

extension Message {
  /// The message as Caffe prints it: protobuf's text format.
  ///
  /// A field a line, in the order of field numbers. What can't be named (fields that this project
  /// doesn't model) is printed by its number.
  ///
  /// - Throws: what SwiftProtobuf throws when the message can't be encoded.
  /// - Complexity: O(length) of the text.
  public func prototxt() throws -> String {
    try TextPrinter.text(of: self)
  }
}

/// The bytes of a file; what stands in the way becomes a `CaffeFileError`.
func readFile(_ url: URL, limit: Int = 1 << 40) throws(CaffeFileError) -> [UInt8] {
  do throws(FileError) {
    return try WholeFile.read(url, limit: limit)
  } catch {
    throw CaffeFileError(file: url.relativePath, problem: error.problem)
  }
}

/// Writes a file whole or not at all; what stands in the way becomes a `CaffeFileError`.
func writeFile(_ bytes: [UInt8], to url: URL) throws(CaffeFileError) {
  do throws(FileError) {
    try WholeFile.write(bytes, to: url)
  } catch {
    throw CaffeFileError(file: url.relativePath, problem: error.problem)
  }
}
