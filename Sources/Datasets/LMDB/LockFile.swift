#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The file beside an LMDB database in which its users lock each other out.
///
/// Whoever opens a database through liblmdb holds a lock on the file's first byte until the database
/// is closed or the process ends (LMDB 0.9, `mdb.c`: `mdb_env_excl_lock`, `mdb_env_share_locks`).
/// The lock doesn't say whether somebody only reads. How that process has opened the data does: for
/// reading alone, unless it may write (`mdb_env_open`).
enum LockFile {
  /// Throws when another process has a database open and may write to it.
  ///
  /// Only looks: nothing is locked or written, so that those who only look don't see each other.
  /// Where there is no lock file, or it can't be opened, nobody is seen. A pipe in its place isn't waited
  /// for. Who has the lock, and what he has opened, Linux shows for processes of the same user. Whom it
  /// doesn't show may write.
  ///
  /// - Parameters:
  ///   - database: how to call it in the error.
  ///   - data: its file.
  ///   - path: its lock file.
  static func requireNoWriter(
    _ database: String, data: String, path: String
  ) throws(DatasetError) {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    lock.l_len = 1
    guard fcntl(descriptor, F_GETLK, &lock) == 0, lock.l_type != Int16(F_UNLCK) else { return }
    var facts = stat()
    // The system names one holder alone; its table has all.
    let holders = fstat(descriptor, &facts) == 0 ? holders(inode: UInt64(facts.st_ino)) : []
    guard !holders.contains(Int(lock.l_pid)) || !holders.allSatisfy({ onlyReads($0, data) }) else {
      return
    }
    // In another container, or over a network, the holder has no number here.
    let writer = holders.first { !onlyReads($0, data) } ?? Int(lock.l_pid)
    throw DatasetError(
      "\(database): \(writer > 0 ? "process \(writer)" : "another process") has this database open, "
        + "as its lock on \(path) shows, and may change it meanwhile; close it there first, or open it "
        + "there for reading only")
  }

  /// The processes that have locked a file, as `/proc/locks` lists them.
  private static func holders(inode: UInt64) -> [Int] {
    let table = (try? String(contentsOfFile: "/proc/locks", encoding: .utf8)) ?? ""
    return table.split(separator: "\n").compactMap { line in
      // 1: POSIX  ADVISORY  READ 1234 08:01:5678 0 0
      let words = line.split(separator: " ")
      guard words.count >= 8, words[1] != "->", words[5].split(separator: ":").last == "\(inode)"
      else { return nil }
      return Int(words[4])
    }
  }

  /// Whether a process has a file open, and each time for reading alone; no where that can't be seen.
  private static func onlyReads(_ process: Int, _ file: String) -> Bool {
    var data = stat()
    let folder = "/proc/\(process)/fd"
    guard process > 0, stat(file, &data) == 0,
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    else { return false }
    var isOpen = false
    for name in names {
      var facts = stat()
      guard stat("\(folder)/\(name)", &facts) == 0, facts.st_ino == data.st_ino,
        facts.st_dev == data.st_dev
      else { continue }
      isOpen = true
      // pos:    0
      // flags:  02100000, in octal; the last two bits are 0 for reading alone
      let lines = try? String(contentsOfFile: "/proc/\(process)/fdinfo/\(name)", encoding: .utf8)
      let flags = lines?.split(separator: "\n").first { $0.hasPrefix("flags:") }?
        .split(whereSeparator: \.isWhitespace).last.flatMap { Int($0, radix: 8) }
      guard let flags, flags & 3 == 0 else { return false }
    }
    return isOpen
  }
}
