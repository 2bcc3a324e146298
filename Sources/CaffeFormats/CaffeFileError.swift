/// A file of Caffe's that can't be used, and the place in it that is to blame.
public struct CaffeFileError: Error, Equatable, CustomStringConvertible {
  /// Where in a file something is.
  public enum Place: Hashable, Sendable {
    /// A line and column of a text, both counted from 1.
    case text(TextPosition)
    /// A byte of a binary file, counted from 0.
    case byte(Int)
  }

  /// The file, as the caller named it.
  public var file: String
  /// Where in it, as far as that can be said.
  public var place: Place?
  /// What is wrong, and what would be right.
  public var problem: String

  /// An error about a file.
  public init(file: String, place: Place? = nil, problem: String) {
    self.file = file
    self.place = place
    self.problem = problem
  }

  /// For example `net.prototxt:3:9: there is no field "nme" in LayerParameter; did you mean "name"?`
  ///
  /// - Complexity: O(length) of the text.
  public var description: String {
    switch place {
    case .text(let position): "\(file):\(position): \(problem)"
    case .byte(let offset): "\(file): at byte \(offset): \(problem)"
    case nil: "\(file): \(problem)"
    }
  }
}

/// A place in a text: line and column, both counted from 1. Columns count characters of Unicode.
public struct TextPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The line.
  public var line: Int
  /// The column.
  public var column: Int

  /// A place in a text.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// `3:9`.
  public var description: String { "\(line):\(column)" }

  /// Whether one place comes before another.
  public static func < (first: TextPosition, second: TextPosition) -> Bool {
    (first.line, first.column) < (second.line, second.column)
  }
}
