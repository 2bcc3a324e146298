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

extension Output {
  /// Says something on standard error that is no result. Where it can't be written (a full disk, a reader
  /// that has gone away, a descriptor that is closed), it isn't: what the command does is worth more.
  static func say(_ text: String) {
    // A reader that has gone away ends the process by a signal, at a moment of no command's choosing.
    var pipe = sigset_t()
    var before = sigset_t()
    var pending = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    sigpending(&pending)
    let wasPending = sigismember(&pending, SIGPIPE) == 1
    pthread_sigmask(SIG_BLOCK, &pipe, &before)
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      if written < 0, errno == EPIPE, !wasPending {
        var number: Int32 = 0
        sigpending(&pending)
        if sigismember(&pending, SIGPIPE) == 1 { sigwait(&pipe, &number) }
      }
      guard written > 0 else { break }
      bytes = bytes.dropFirst(written)
    }
    pthread_sigmask(SIG_SETMASK, &before, nil)
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
