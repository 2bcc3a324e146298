#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The file beside an LMDB database in which its users lock each other out.
///
/// Whoever opens a database through liblmdb holds a lock on the file's first byte until the database
/// is closed or the process ends (LMDB 0.9, `mdb.c`: `mdb_env_excl_lock`, `mdb_env_share_locks`).
enum LockFile {
  /// Throws when another process has a database open.
  ///
  /// Only looks: nothing is locked or written, so that those who only look don't see each other.
  /// Where there is no lock file, or it can't be opened, nobody is seen. A pipe in its place isn't waited
  /// for.
  ///
  /// - Parameters:
  ///   - database: how to call it in the error.
  ///   - path: its lock file.
  static func requireUnused(_ database: String, path: String) throws(DatasetError) {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    lock.l_len = 1
    guard fcntl(descriptor, F_GETLK, &lock) == 0, lock.l_type != Int16(F_UNLCK) else { return }
    // In another container, or over a network, the holder has no number here.
    let holder = lock.l_pid > 0 ? "process \(lock.l_pid)" : "another process"
    throw DatasetError(
      "\(database): \(holder) has this database open, as its lock on \(path) shows, and may change "
        + "it meanwhile; close it there first")
  }
}
