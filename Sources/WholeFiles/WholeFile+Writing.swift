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
  /// Writes a file so that whoever looks finds the old content or the new, never half of it.
  ///
  /// The bytes go to a temporary file in the same folder, are synced to the disk, and only then
  /// take the name. When anything fails the temporary file is removed and an existing file stays
  /// as it was. On Linux the temporary file has no name while it is written, so that not even a
  /// process that is killed leaves one behind; elsewhere, and on file systems that don't know such
  /// files (NFS), it can. A symbolic link is followed. What is no regular file (a pipe, a terminal) is
  /// written directly, because renaming would replace it.
  ///
  /// - Parameters:
  ///   - pieces: the content, one piece after another.
  ///   - url: the file.
  /// - Throws: `FileError` when the folder is missing, the disk full, and the like.
  /// - Complexity: O(length), and the time that the disk takes to sync. The pieces are not put
  ///   together.
  public static func write(_ pieces: [[UInt8]], to url: URL) throws(FileError) {
    let path = resolved(url.path)
    var facts = stat()
    if stat(path, &facts) == 0 {
      let kind = facts.st_mode & S_IFMT
      guard kind != S_IFDIR else {
        throw FileError(path: url.path, problem: "is a folder, so no file can take its name")
      }
      if kind != S_IFREG {
        return try write(pieces, path: path, flags: O_WRONLY, shown: url.path)
      }
    }

    let (folder, name) = split(path)
    let suffix = String(UInt32.random(in: .min ... .max), radix: 16)
    let temporary = "\(folder)/.\(name.prefix(200)).\(suffix).tmp"
    do throws(FileError) {
      if try !writeUnnamed(pieces, folder: folder, name: temporary, shown: url.path) {
        try write(pieces, path: temporary, flags: O_WRONLY | O_CREAT | O_EXCL, shown: url.path)
      }
      guard rename(temporary, path) == 0 else { throw failure(url.path, "cannot be replaced") }
    } catch {
      unlink(temporary)
      throw error
    }
    syncFolder(folder)
  }

  /// Writes a file in one piece; otherwise as the other `write`.
  ///
  /// - Throws: `FileError` when the folder is missing, the disk full, and the like.
  /// - Complexity: O(length), and the time that the disk takes to sync.
  public static func write(_ bytes: [UInt8], to url: URL) throws(FileError) {
    try write([bytes], to: url)
  }

  private static func write(
    _ pieces: [[UInt8]], path: String, flags: Int32, shown: String
  ) throws(FileError) {
    let descriptor = open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(shown, "cannot be written") }
    do throws(FileError) {
      try fill(descriptor, with: pieces, shown: shown)
    } catch {
      close(descriptor)
      throw error
    }
    guard close(descriptor) == 0 else { throw failure(shown, notSynced) }
  }

  /// Writes a file that gets its name when all of its bytes are on the disk.
  ///
  /// - Returns: whether this system and this folder can do that.
  private static func writeUnnamed(
    _ pieces: [[UInt8]], folder: String, name: String, shown: String
  ) throws(FileError) -> Bool {
    #if os(Linux)
      // O_TMPFILE, which Swift doesn't import.
      let withoutName = 0o20_000_000 | O_DIRECTORY
      let descriptor = open(folder, withoutName | O_WRONLY | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { return false }
      defer { close(descriptor) }
      try fill(descriptor, with: pieces, shown: shown)
      return linkat(
        AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0
    #else
      return false
    #endif
  }

  /// Writes everything and waits until the disk has it.
  private static func fill(
    _ descriptor: Int32, with pieces: [[UInt8]], shown: String
  ) throws(FileError) {
    for piece in pieces {
      let complete = piece.withUnsafeBytes { put($0, to: descriptor) }
      guard complete else { throw failure(shown, "cannot be written") }
    }
    // Pipes and terminals cannot be synced and say EINVAL; a disk that cannot keep the bytes says
    // something else.
    let synced = fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS
    guard synced else { throw failure(shown, notSynced) }
  }

  private static var notSynced: String { "cannot be synced to the disk" }

  private static func put(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Linux takes at most 2 GiB in one call.
      let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      let wrote = systemWrite(descriptor, part.baseAddress, part.count)
      if wrote < 0 && errno == EINTR { continue }
      guard wrote > 0 else { return false }
      rest = rest.dropFirst(wrote)
    }
    return true
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func split(_ path: String) -> (folder: String, name: Substring) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path[...]) }
    let folder = slash == path.startIndex ? "/" : String(path[..<slash])
    return (folder, path[path.index(after: slash)...])
  }

  /// Makes the new name itself durable; where a folder cannot be synced, the content still is.
  private static func syncFolder(_ folder: String) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }
}

/// `write` of the system, which the enumeration's own `write` hides.
private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, buffer, count)
}
