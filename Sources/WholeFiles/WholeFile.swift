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
  /// The bytes of a file.
  ///
  /// - Parameters:
  ///   - url: a file, or something that is read like one (a pipe, `/dev/stdin`).
  ///   - limit: the most bytes to take. Where the length is known beforehand a longer file is
  ///     refused before any memory is set aside for it.
  /// - Throws: `FileError` when it cannot be opened or read, is a folder, or exceeds the limit or
  ///   the memory that the process is given.
  /// - Complexity: O(length), in memory once: the array is as long as the file from the start.
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
    while !isAtEnd {
      guard bytes.count <= limit else { throw tooLong(path, limit) }
      let more = try chunk(from: descriptor, room: 1 << 16, path)
      bytes += more.bytes
      isAtEnd = more.isAtEnd
    }
    guard bytes.count <= limit else { throw tooLong(path, limit) }
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
