#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Memory that is asked for before it is needed.
///
/// Swift ends a process that isn't given memory for an array. Who asks beforehand can say what the
/// memory is for.
package enum MemoryGrant {
  /// Whether the system would give this process so much memory more.
  ///
  /// It is asked for as one block, which is given back untouched: so limits of the address space
  /// (`ulimit -v`) are noticed, and more than the whole machine has. What other processes take
  /// meanwhile isn't.
  package static func isGiven(byteCount: Int) -> Bool {
    guard byteCount > 0 else { return true }
    let block = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard block != MAP_FAILED else { return false }
    munmap(block, byteCount)
    return true
  }
}
