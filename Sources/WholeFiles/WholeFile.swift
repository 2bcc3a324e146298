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

/// Files read and written all at once.
public enum WholeFile {
  /// Throws unless a file can be read.
  ///
  /// - Throws: `FileError` when it cannot be opened, or is a folder.
  /// - Complexity: O(length) of the path.
  public static func requireReadable(_ url: URL) throws(FileError) {
    let descriptor = open(url.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(url.path, "cannot be opened") }
    defer { close(descriptor) }
    var facts = stat()
    if fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR {
      throw FileError(path: url.path, problem: "is a folder, not a file")
    }
  }

  /// The bytes of a file.
  ///
  /// - Parameters:
  ///   - url: a file, or something that is read like one (a pipe, `/dev/stdin`).
  ///   - limit: the most bytes to take. Where the length is known beforehand a longer file is
  ///     refused before any memory is set aside for it. Where it isn't, as in a pipe, 4 GiB are the
  ///     most: there may be no end.
  /// - Throws: `FileError` when it cannot be opened or read, is a folder, or exceeds the limit or
  ///   the memory that the process is given.
  /// - Complexity: O(length), in memory once: the array is as long as the file from the start. What has
  ///   no length of its own is in memory up to three times.
  public static func read(_ url: URL, limit: Int = 1 << 40) throws(FileError) -> [UInt8] {
    let path = url.path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
    defer { close(descriptor) }

    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else { throw failure(path, "cannot be examined") }
    let kind = facts.st_mode & S_IFMT
    guard kind != S_IFDIR else { throw FileError(path: path, problem: "is a folder, not a file") }
    let size = kind == S_IFREG ? Int(facts.st_size) : 0
    guard size <= limit else { throw tooLong(path, limit) }
    // A file can claim any length: nothing of it need be on the disk.
    guard MemoryGrant.isGiven(byteCount: size + 1) else {
      throw FileError(
        path: path, problem: "has \(size) bytes, more memory than this process is given")
    }

    // One byte more than announced, so that the end is seen without growing the array.
    var (bytes, isAtEnd) = try chunk(from: descriptor, room: size + 1, path)
    let most = min(limit, max(size, 1 << 32))
    while !isAtEnd {
      guard bytes.count <= most else { throw tooLong(path, most) }
      // As much again: so each byte is copied twice on average.
      let room = max(min(bytes.count, most + 1 - bytes.count), 1 << 16)
      guard MemoryGrant.isGiven(byteCount: bytes.count + 2 * room) else {
        throw FileError(
          path: path,
          problem:
            "is longer than \(bytes.count) bytes, and more memory isn't given to this process")
      }
      let more = try chunk(from: descriptor, room: room, path)
      bytes += more.bytes
      isAtEnd = more.isAtEnd
    }
    guard bytes.count <= most else { throw tooLong(path, most) }
    return bytes
  }

  /// Reads until the room is full or the file at its end.
  private static func chunk(
    from descriptor: Int32, room: Int, _ path: String
  ) throws(FileError) -> (bytes: [UInt8], isAtEnd: Bool) {
    var got = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
      repeat {
        // At most what is left of the room.
        got = systemRead(descriptor, buffer.baseAddress.map { $0 + count }, room - count)
        count += max(got, 0)
      } while (got > 0 && count < room) || (got < 0 && errno == EINTR)
    }
    guard got >= 0 else { throw failure(path, "cannot be read") }
    return (bytes, got == 0)
  }

  static func failure(_ path: String, _ what: String) -> FileError {
    FileError(path: path, problem: "\(what): \(String(cString: strerror(errno)))")
  }

  private static func tooLong(_ path: String, _ limit: Int) -> FileError {
    FileError(path: path, problem: "is longer than the \(limit) bytes that are allowed here")
  }
}

/// `read` of the system, which the enumeration's own `read` hides.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int)
  -> Int
{
  read(descriptor, buffer, count)
}

extension WholeFile {
  /// Writes a file so that whoever looks finds the old content or the new, never half of it.
  ///
  /// The bytes go to a temporary file in the same folder, are synced to the disk, and only then
  /// take the name. When anything fails the temporary file is removed and an existing file stays
  /// as it was. On Linux the temporary file has no name while it is written, so that not even a
  /// process that is killed leaves one behind; elsewhere, and on file systems that don't know such
  /// files (NFS), it can.
  ///
  /// What takes the place of a file has its permissions, and its owner where this process may give
  /// files away. A file that may not be written isn't replaced, and neither is one with several names
  /// (hard links): the new content would be under one of them only. A symbolic link is followed, also
  /// one that leads to nothing yet. What is no regular file (a pipe, a terminal) is written directly,
  /// because renaming would replace it; so is `/dev/stdout`, whatever it leads to, from where it stands.
  ///
  /// - Parameters:
  ///   - pieces: the content, one piece after another.
  ///   - url: the file.
  /// - Throws: `FileError` when the folder is missing, the disk full, and the like.
  /// - Complexity: O(length), and the time that the disk takes to sync. The pieces are not put
  ///   together.
  public static func write(_ pieces: [[UInt8]], to url: URL) throws(FileError) {
    if let number = descriptor(named: url.path) {
      return try write(pieces, toDescriptor: number, shown: url.path)
    }
    let path = try linkTarget(of: url.path)
    var facts = stat()
    let exists = stat(path, &facts) == 0
    if exists {
      switch facts.st_mode & S_IFMT {
      case S_IFDIR:
        throw FileError(path: url.path, problem: "is a folder, so no file can take its name")
      case S_IFREG:
        guard access(path, W_OK) == 0 else { throw failure(url.path, "may not be replaced") }
        guard facts.st_nlink <= 1 else {
          throw FileError(
            path: url.path,
            problem: "has \(facts.st_nlink) names (hard links), which writing it anew would part; "
              + "remove this one first, or choose another name")
        }
      default:
        return try write(pieces, path: path, flags: O_WRONLY, shown: url.path)
      }
    }

    let (folder, name) = split(path)
    let suffix = String(UInt32.random(in: .min ... .max), radix: 16)
    // At most the 255 bytes that a name may have.
    let beginning = String(decoding: name.utf8.prefix(200), as: UTF8.self)
    let temporary = "\(folder)/.\(beginning).\(suffix).tmp"
    do throws(FileError) {
      if try !writeUnnamed(pieces, folder: folder, name: temporary, shown: url.path) {
        try write(pieces, path: temporary, flags: O_WRONLY | O_CREAT | O_EXCL, shown: url.path)
      }
      if exists { keepOwnerAndPermissions(facts, on: temporary) }
      guard rename(temporary, path) == 0 else { throw failure(url.path, "cannot be replaced") }
    } catch {
      unlink(temporary)
      throw error
    }
    syncFolder(folder)
  }

  /// Gives a new file what the one before it had. The owner comes first, as changing it takes
  /// permissions away. Only root gives files away; for others the file is their own from now on.
  private static func keepOwnerAndPermissions(_ facts: stat, on path: String) {
    if chown(path, facts.st_uid, facts.st_gid) != 0 {
      _ = chown(path, uid_t.max, facts.st_gid)
    }
    chmod(path, facts.st_mode & 0o7777)
  }

  /// Writes a file in one piece; otherwise as the other `write`.
  ///
  /// - Throws: `FileError` when the folder is missing, the disk full, and the like.
  /// - Complexity: O(length), and the time that the disk takes to sync.
  public static func write(_ bytes: [UInt8], to url: URL) throws(FileError) {
    try write([bytes], to: url)
  }

  /// The descriptor of this process that a path names: 1 for `/dev/stdout`, 3 for `/dev/fd/3`.
  package static func descriptor(named path: String) -> Int32? {
    switch path {
    case "/dev/stdout": return STDOUT_FILENO
    case "/dev/stderr": return STDERR_FILENO
    default:
      for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
        return Int32(path.dropFirst(folder.count))
      }
      return nil
    }
  }

  /// Opened by its name, a file behind a descriptor would be written from its beginning.
  private static func write(
    _ pieces: [[UInt8]], toDescriptor number: Int32, shown: String
  ) throws(FileError) {
    let descriptor = dup(number)
    guard descriptor >= 0 else { throw failure(shown, "cannot be written") }
    defer { close(descriptor) }
    try fill(descriptor, with: pieces, shown: shown)
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

  /// Where a path leads through symbolic links, whether a file is there yet or not.
  private static func linkTarget(of path: String) throws(FileError) -> String {
    var target = path
    // As many as Linux follows.
    for _ in 0..<40 {
      if let real = realpath(target, nil) {
        defer { free(real) }
        return String(cString: real)
      }
      let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
        let room = UnsafeMutableRawBufferPointer(buffer).assumingMemoryBound(to: CChar.self)
        count = room.baseAddress.map { max(readlink(target, $0, room.count), 0) } ?? 0
      }
      guard !bytes.isEmpty else { return target }
      let next = String(decoding: bytes, as: UTF8.self)
      target = next.utf8.first == UInt8(ascii: "/") ? next : "\(split(target).folder)/\(next)"
    }
    throw FileError(path: path, problem: "is a chain of symbolic links without an end")
  }

  /// A path's folder and the name in it. It looks at bytes: to Swift, a slash with a combining mark
  /// after it is another character than a slash.
  static func split(_ path: String) -> (folder: String, name: Substring) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path[...]) }
    let folder = slash == path.startIndex ? "/" : String(path[..<slash])
    return (folder, path[path.utf8.index(after: slash)...])
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
