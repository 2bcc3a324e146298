import NumPyFiles

/// What is wrong with a file of tensors, and where.
public struct TensorFileError: Error, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let file: String
  /// What in the file, for example `tensor "conv1.weight"` or `member archive/data.pkl`; nil for
  /// the whole.
  public let part: String?
  /// The position in the file, or in the member where there is one; nil when no byte is to blame.
  public let offset: Int?
  /// What is wrong.
  public let problem: String
  /// What would be right, or the way out; nil where the problem says it all.
  public let remedy: String?

  /// For example
  /// `a.safetensors, tensor "w", byte 40: there is no type F33; F64, F32, … are read`.
  ///
  /// - Complexity: O(length) of the text.
  public var description: String {
    var place = file
    if let part { place += ", \(part)" }
    if let offset { place += ", byte \(offset)" }
    return "\(place): \(problem)" + (remedy.map { "; \($0)" } ?? "")
  }
}

/// Where something is, to blame it.
package struct FilePlace: Sendable {
  package var file: String
  package var part: String?

  package init(file: String, part: String? = nil) {
    self.file = file
    self.part = part
  }

  package func error(_ problem: String, at offset: Int? = nil, remedy: String? = nil)
    -> TensorFileError
  {
    TensorFileError(file: file, part: part, offset: offset, problem: problem, remedy: remedy)
  }

  /// The place of a part.
  package func part(_ part: String) -> FilePlace { FilePlace(file: file, part: part) }
}

extension TensorFileError {
  /// What the reader of zip archives says.
  init(_ error: NumPyError) {
    self.init(
      file: error.file, part: error.member.map { "member \($0)" }, offset: error.offset,
      problem: error.problem, remedy: error.remedy)
  }
}
