import Synchronization

/// A place where code is still to be written.
public struct Gap: Hashable, Sendable {
  /// What is to be written, for example `forward`.
  public let part: String
  /// The file's name.
  public let file: String
  /// The line, counted from 1.
  public let line: Int

  private static let reached = Mutex<Set<Gap>>([])

  /// Runs something, and tells which gaps it came to.
  public static func reached<Result>(
    while body: () throws -> Result
  ) rethrows -> (result: Result, gaps: [Gap]) {
    reached.withLock { $0 = [] }
    let result = try body()
    let gaps = reached.withLock { $0 }
    return (result, gaps.sorted { ($0.file, $0.line) < ($1.file, $1.line) })
  }

  fileprivate func reach() {
    Gap.reached.withLock { _ = $0.insert(self) }
  }
}

/// Stands where code is to be written, and does nothing but say so. Replace the line with your code.
public func gap(_ part: String, file: String = #fileID, line: Int = #line) {
  let name = file.split(separator: "/").last.map(String.init) ?? file
  Gap(part: part, file: name, line: line).reach()
}
