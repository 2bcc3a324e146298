#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Memory that is asked for before it is needed.
///
/// Swift ends a process that isn't given memory for an array, and Linux ends one that goes beyond the
/// limit of its control group (that of a container, for example). Who asks beforehand can say what the
/// memory is for.
package enum MemoryGrant {
  /// Whether the system would give this process so much memory more.
  ///
  /// It is asked for as one block, which is given back untouched: so limits of the address space
  /// (`ulimit -v`) are noticed, and more than the whole machine has. The limit of a control group counts
  /// only what is touched, so its files are read. What other processes take meanwhile isn't noticed.
  ///
  /// - Parameters:
  ///   - byteCount: what is going to be written to.
  ///   - reserve: address space beyond that, which is never touched.
  package static func isGiven(byteCount: Int, reserve: Int = 0) -> Bool {
    let (sum, overflow) = byteCount.addingReportingOverflow(reserve)
    guard !overflow else { return false }
    guard sum > 0 else { return true }
    if let room = ControlGroup.current.room, byteCount > room { return false }
    let block = mmap(nil, sum, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard block != MAP_FAILED else { return false }
    munmap(block, sum)
    return true
  }
}

/// The control groups of Linux that a process belongs to, and the memory that they leave it.
///
/// Source: Linux, `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`.
struct ControlGroup {
  /// The content of `/proc/self/cgroup`: a line for each hierarchy, `number:controllers:path`.
  var membership: String
  /// Where the hierarchies are mounted.
  var mount = "/sys/fs/cgroup"

  /// That of this process.
  static var current: ControlGroup {
    ControlGroup(membership: text("/proc/self/cgroup") ?? "")
  }

  /// The bytes below the tightest limit, this group's or that of one around it; `nil` without limits.
  ///
  /// What the system keeps of files in memory, and can drop at any time, counts as free.
  var room: Int? {
    var rooms: [Int] = []
    for line in membership.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let names: Names
      var root: String
      if parts[1].isEmpty {
        (names, root) = (.second, mount)
      } else if parts[1].split(separator: ",").contains("memory") {
        (names, root) = (.first, mount + "/memory")
      } else {
        continue
      }
      // In a container the group's own folder may be what is mounted, under any path.
      rooms += Self.room(root, names).map { [$0] } ?? []
      for part in parts[2].split(separator: "/") {
        root += "/" + part
        rooms += Self.room(root, names).map { [$0] } ?? []
      }
    }
    return rooms.min()
  }

  /// What the files of a hierarchy are called.
  private struct Names {
    var limit, usage, cache: String

    static let first = Names(
      limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", cache: "total_inactive_file")
    static let second = Names(limit: "memory.max", usage: "memory.current", cache: "inactive_file")
  }

  private static func room(_ folder: String, _ names: Names) -> Int? {
    func number(_ name: String) -> Int? {
      text("\(folder)/\(name)").flatMap { Int($0.prefix { $0 != "\n" }) }
    }
    // Without a limit, version 2 says "max", and version 1 a number near 2⁶³.
    guard let limit = number(names.limit), limit < 1 << 60, let usage = number(names.usage) else {
      return nil
    }
    let cache = (text("\(folder)/memory.stat") ?? "").split(separator: "\n")
      .first { $0.hasPrefix(names.cache + " ") }
      .flatMap { Int($0.dropFirst(names.cache.count + 1)) }
    return max(limit - usage + min(cache ?? 0, usage), 0)
  }

  /// The first kilobytes of a file, which is all that such files have.
  private static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 14) { buffer, count in
      count = max(read(descriptor, buffer.baseAddress, buffer.count), 0)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
