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

/// A folder that this process has for itself, among those who ask: two that write the same files into it
/// would mix them up.
///
/// Nothing is written for it: the folder itself is locked, until this goes away or the process ends, in
/// whatever way. Where a file system can't lock folders (NFS), nobody is kept out.
package final class FolderLock {
  private let descriptor: Int32

  /// Locks a folder.
  ///
  /// - Throws: `FileError` when another process has it.
  package init(_ url: URL) throws(FileError) {
    descriptor = open(url.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw WholeFile.failure(url.relativePath, "cannot be opened") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
    close(descriptor)
    throw FileError(
      path: url.relativePath,
      problem: "another run is writing its files here; wait for its end, or choose another folder")
  }

  deinit { close(descriptor) }
}
