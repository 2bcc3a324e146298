import Foundation

/// What happens to standard output.
enum Output {
  /// Makes sure that everything printed has arrived.
  ///
  /// - Throws: `OutputError` when it hasn't, for example as the disk is full. (A reader that has
  ///   gone away, as `head` does, ends the process by a signal, as with other commands.)
  static func finish() throws {
    errno = 0
    guard fflush(nil) == 0 else { throw OutputError(code: errno) }
  }
}

/// Standard output that can't be written.
struct OutputError: Error, CustomStringConvertible {
  /// The system's number of the error, 0 where it isn't known any more.
  var code: Int32

  var description: String {
    "standard output could not be written"
      + (code == 0 ? "" : ": " + String(cString: strerror(code)))
  }
}
