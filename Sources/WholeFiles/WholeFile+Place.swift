#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension WholeFile {
  /// Throws where a file couldn't be written at its end, so that whoever works for long finds out at the
  /// start. What is there already stays as it is.
  ///
  /// In the folder a file is made and removed again: what permissions, read-only file systems and full
  /// tables of files would say in the end, they say then. How much room there will be, nobody knows.
  ///
  /// - Parameter url: where the file is to be.
  /// - Throws: `FileError` when the folder is missing or can't be written to, or a folder has the name.
  /// - Complexity: O(length) of the path, and the time that the disk takes to make a file.
  public static func requirePlace(for url: URL) throws(FileError) {
    let path = url.path
    var facts = stat()
    var folder = url.deletingLastPathComponent().path
    if stat(path, &facts) == 0 {
      let kind = facts.st_mode & S_IFMT
      guard kind != S_IFDIR else {
        throw FileError(path: path, problem: "is a folder, so no file can take its name")
      }
      guard kind == S_IFREG else {
        // A pipe, a terminal: written directly.
        guard access(path, W_OK) == 0 else { throw failure(path, "cannot be written") }
        return
      }
      // A symbolic link is followed.
      if let real = realpath(path, nil) {
        defer { free(real) }
        folder = URL(filePath: String(cString: real)).deletingLastPathComponent().path
      }
    }
    let probe = "\(folder)/.probe.\(String(UInt32.random(in: .min ... .max), radix: 16)).tmp"
    let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(path, "cannot be written") }
    close(descriptor)
    unlink(probe)
  }
}
