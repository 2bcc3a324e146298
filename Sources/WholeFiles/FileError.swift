/// A file that could not be read or written as a whole.
public struct FileError: Error, Equatable, CustomStringConvertible {
  /// The file, as the caller named it.
  public let path: String
  /// What went wrong, for example `cannot be opened: No such file or directory`.
  public let problem: String

  /// An error about a file.
  public init(path: String, problem: String) {
    self.path = path
    self.problem = problem
  }

  /// For example `cat.png: cannot be opened: No such file or directory`.
  public var description: String { "\(path): \(problem)" }
}
