import NumPyFiles
import ONNXMessages
import SwiftProtobuf
import TensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An `.onnx` file: a graph of operators, and the weights in it or beside it.
///
/// ```swift
/// let model = try ONNXModel(contentsOf: URL(filePath: "caffenet-12.onnx"))
/// let weights = try model.tensors()["conv1_w_0"]?.tensor(as: Float.self)
/// ```
///
/// Source: ONNX's IR.md and Operators.md, https://github.com/onnx/onnx/tree/main/docs.
public struct ONNXModel: Sendable {
  /// The file, as the caller named it.
  public let file: String
  /// What it says.
  public let message: Onnx_ModelProto
  /// The version of ONNX's operators that the graph is made of.
  public let opset: Int
  /// Where files with weights may lie; nil for a model that has no folder.
  let folder: URL?

  /// The versions of the operators that are known, of which every later one only adds types.
  static let knownOpsets = 1...28

  /// Reads a file; the files that it keeps weights in are read when they are asked for.
  ///
  /// - Throws: `TensorFileError` for a file that is damaged or something else, that has no graph, or
  ///   whose operators are of no known version.
  /// - Complexity: O(length) of the file, in memory twice while it is being read.
  public init(contentsOf url: URL) throws(TensorFileError) {
    try self.init(
      decoding: try contents(of: url), name: url.relativePath,
      folder: url.deletingLastPathComponent())
  }

  /// Reads the content of a file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what error messages call it.
  ///   - folder: where files that it keeps weights in may lie; nil if none are to be read.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: as `init(contentsOf:)`.
  public init(
    decoding bytes: [UInt8], name: String = "model", folder: URL? = nil
  ) throws(TensorFileError) {
    let place = FilePlace(file: name)
    // Tags of protobuf can look like the beginning of some others.
    if let kind = FileKind(bytes), bytes.first != 0x08 {
      throw place.error(kind.notice.problem, remedy: kind.notice.remedy)
    }
    try WireCheck.check(bytes, place: place)
    do {
      message = try Onnx_ModelProto(serializedBytes: bytes, partial: true)
    } catch {
      throw place.error("is no ONNX file: \(error)")
    }
    guard message.hasGraph else {
      throw place.error("the model has no graph", remedy: "the file is truncated, or no ONNX file")
    }
    let versions = message.opsetImport.filter { Self.isOwnDomain($0.domain) }.map(\.version)
    guard let version = versions.first, versions.allSatisfy({ $0 == version }) else {
      throw place.error(
        "the model imports \(versions.isEmpty ? "no" : "more than one") opset of ONNX's own domain",
        remedy: "opset_import says which version of the operators is meant")
    }
    guard let opset = Int(exactly: version), Self.knownOpsets.contains(opset) else {
      throw place.error(
        "opset \(version) is not known",
        remedy: "\(Self.knownOpsets.lowerBound) to "
          + "\(Self.knownOpsets.upperBound) are")
    }
    self.opset = opset
    file = name
    self.folder = folder
  }

  /// A model of a message that was made here.
  init(_ message: Onnx_ModelProto, file: String, opset: Int) {
    self.message = message
    self.file = file
    self.opset = opset
    folder = nil
  }

  /// Two spellings of ONNX's own domain.
  static func isOwnDomain(_ domain: String) -> Bool { domain.isEmpty || domain == "ai.onnx" }

  /// The weights, and whatever else of numbers the file has, by name. Numbers of 16 bits are widened
  /// to `Float`.
  ///
  /// - Throws: `TensorFileError` naming the initializer whose numbers are missing, of another count
  ///   than its shape, of a type that is not read, or in a file outside of the model's folder.
  /// - Complexity: O(numbers), with memory for them, and for the files that they are in.
  public func tensors() throws(TensorFileError) -> NumPyArchive {
    var reader = TensorReader(file: file, folder: folder)
    var tensors = NumPyArchive()
    for tensor in message.graph.initializer {
      let place = FilePlace(file: file, part: "initializer \"\(tensor.name)\"")
      guard !tensor.name.isEmpty, tensors[tensor.name] == nil else {
        throw place.error("the name is empty, or another initializer has it")
      }
      tensors[tensor.name] = try reader.array(of: tensor, place: place)
    }
    guard message.graph.sparseInitializer.isEmpty else {
      throw FilePlace(file: file).error("the graph has sparse initializers, which are not read")
    }
    return tensors
  }
}
