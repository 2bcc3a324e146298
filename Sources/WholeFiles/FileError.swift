/// What is wrong with a file, and where.
public struct FileError: Error, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let path: String
  /// What in the file, for example `member conv1_0.npy` or `tensor "conv1.weight"`; nil for the whole.
  public let part: String?
  /// The position in the file, or in the member where there is one; nil when no byte is to blame.
  public let offset: Int?
  /// What is wrong, for example `cannot be opened: No such file or directory`.
  public let problem: String
  /// What would be right, or the way out; nil where the problem says it all.
  public let remedy: String?

  /// An error about a file.
  public init(
    path: String, part: String? = nil, offset: Int? = nil, problem: String, remedy: String? = nil
  ) {
    (self.path, self.part, self.offset) = (path, part, offset)
    (self.problem, self.remedy) = (problem, remedy)
  }

  /// For example `cat.png: cannot be opened: No such file or directory`, or
  /// `params.npz, member conv1_0.npy, byte 10: the header lacks 'shape'; it needs 'descr', …`.
  ///
  /// - Complexity: O(length) of the text.
  public var description: String {
    var place = path
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

  package func error(
    _ problem: String, at offset: Int? = nil, remedy: String? = nil
  ) -> FileError {
    FileError(path: file, part: part, offset: offset, problem: problem, remedy: remedy)
  }

  /// The place of a part.
  package func part(_ part: String) -> FilePlace { FilePlace(file: file, part: part) }

  /// The place of a member of an archive.
  package func member(_ name: String) -> FilePlace { part("member \(name)") }
}
