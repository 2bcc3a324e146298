/// What is wrong with an `.npy` or `.npz` file, and where.
public struct NumPyError: Error, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let file: String
  /// The member of an archive, for example `conv1_0.npy`; nil outside of archives.
  public let member: String?
  /// The position in the file, or in the member where there is one; nil when no byte is to blame.
  public let offset: Int?
  /// What is wrong.
  public let problem: String
  /// What would be right; nil where the problem says it all.
  public let remedy: String?

  /// For example
  /// `params.npz, member conv1_0.npy, byte 10: the header lacks 'shape'; it needs 'descr', …`.
  ///
  /// - Complexity: O(length) of the text.
  public var description: String {
    var place = file
    if let member { place += ", member \(member)" }
    if let offset { place += ", byte \(offset)" }
    return "\(place): \(problem)" + (remedy.map { "; \($0)" } ?? "")
  }
}

/// Where bytes come from, to blame them.
struct Place {
  var file: String
  var member: String?

  func error(_ problem: String, at offset: Int? = nil, remedy: String? = nil) -> NumPyError {
    NumPyError(file: file, member: member, offset: offset, problem: problem, remedy: remedy)
  }
}
