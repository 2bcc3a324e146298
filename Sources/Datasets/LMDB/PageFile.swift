#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The file of an LMDB database, page by page, and what its head says.
///
/// The layout is that of LMDB 0.9 (`mdb.c`, structures `MDB_meta`, `MDB_db` and `MDB_page`), as
/// written on machines of 64 bits, lowest byte first.
final class PageFile: Sendable {
  /// What the newer of the two heads says.
  struct Head: Equatable {
    var pageSize = 0
    var lastPage = 0
    var transaction = 0
    /// The flags of the main tree; 0 for one of plain byte strings without duplicates.
    var flags = 0
    var depth = 0
    var entryCount = 0
    /// `nil` for a database without entries.
    var root: Int?
  }

  let head: Head
  private let file: OpenFile

  /// Opens a file and checks its head.
  init(path: String) throws(DatasetError) {
    file = try OpenFile(path)
    head = try file.head()
  }

  /// Throws where another process has committed a later state of the database.
  func requireUnchanged() throws(DatasetError) {
    guard try file.head() == head else {
      throw DatasetError("another process has changed the database while it was being read")
    }
  }

  /// Some of the file's bytes.
  func read(_ place: Range<Int>) throws(DatasetError) -> [UInt8] {
    try file.read(place.lowerBound, place.count)
  }

  /// A page's bytes.
  func page(_ number: Int) throws(DatasetError) -> Page {
    guard number >= 2, number <= head.lastPage, number < byteCount / head.pageSize else {
      throw error(
        "refers to page \(number), but the file ends behind page "
          + "\(min(head.lastPage, byteCount / head.pageSize - 1)): it is truncated or damaged")
    }
    return Page(bytes: try file.read(number * head.pageSize, head.pageSize), number: number)
  }

  var byteCount: Int { file.byteCount }

  /// An error about this file.
  func error(_ problem: String) -> DatasetError { file.error(problem) }
}

/// An open file, and the head of a database in it as it is at the moment.
private final class OpenFile: Sendable {
  let path: String
  let byteCount: Int
  private let descriptor: Int32

  init(_ path: String) throws(DatasetError) {
    self.path = path
    // A pipe in its place would be waited for.
    descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw DatasetError("\(path): cannot be opened: \(String(cString: strerror(errno)))")
    }
    var facts = stat()
    let isExamined = fstat(descriptor, &facts) == 0
    byteCount = isExamined && facts.st_mode & S_IFMT == S_IFREG ? Int(facts.st_size) : 0
    guard byteCount > 0 else {
      throw error("is empty, or no regular file: an LMDB database has two pages at least")
    }
  }

  deinit { close(descriptor) }

  func error(_ problem: String) -> DatasetError {
    DatasetError("\(path): \(problem)")
  }

  /// What the newer of the two heads says now.
  func head() throws(DatasetError) -> PageFile.Head {
    let first = try head(at: 0)
    let second = try head(at: first.pageSize)
    guard first.pageSize == second.pageSize else {
      throw error("has pages of \(first.pageSize) and of \(second.pageSize) bytes: it is damaged")
    }
    // liblmdb takes the first where both are equal, in a database that was just made.
    return first.transaction < second.transaction ? second : first
  }

  private func head(at offset: Int) throws(DatasetError) -> PageFile.Head {
    guard byteCount - offset >= 152 else {
      throw error("is too short for an LMDB database: it is truncated, or something else")
    }
    let page = Page(bytes: try read(offset, 152), number: 0)
    guard page.flags & 0x08 != 0, page.word32(16) == 0xBEEF_C0DE else {
      throw error("is no LMDB database: its mark is missing")
    }
    guard page.word32(20) == 1 else {
      throw error("is written in version \(page.word32(20)) of LMDB's format; version 1 is read")
    }
    var head = PageFile.Head()
    head.pageSize = page.word32(40)
    guard head.pageSize.nonzeroBitCount == 1, (512...65536).contains(head.pageSize) else {
      throw error("has pages of \(head.pageSize) bytes, which is impossible: it is damaged")
    }
    head.flags = page.word16(16 + 72 + 4)
    head.depth = page.word16(16 + 72 + 6)
    let entries = page.word64(16 + 72 + 32)
    let root = page.word64(16 + 72 + 40)
    let lastPage = page.word64(16 + 120)
    let transaction = page.word64(16 + 128)
    // 2⁴⁰ pages of 512 bytes are more than any disk has: nothing below can overflow.
    guard lastPage < 1 << 40, entries < 1 << 40, transaction < 1 << 62,
      root < 1 << 40 || root == .max
    else { throw error("has an impossible head: it is damaged") }
    head.lastPage = Int(lastPage)
    head.entryCount = Int(entries)
    head.transaction = Int(transaction)
    head.root = root == .max ? nil : Int(root)
    return head
  }

  func read(_ offset: Int, _ count: Int) throws(DatasetError) -> [UInt8] {
    var got = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
      repeat {
        // At most what is left of the room.
        got = pread(
          descriptor, buffer.baseAddress.map { $0 + used }, count - used, off_t(offset + used))
        used += max(got, 0)
      } while (got > 0 && used < count) || (got < 0 && errno == EINTR)
    }
    guard bytes.count == count else {
      throw error("cannot be read at byte \(offset): it is truncated or damaged")
    }
    return bytes
  }
}

/// A page of an LMDB file. Reading beyond its end gives 0.
struct Page {
  let bytes: [UInt8]
  let number: Int

  func word16(_ offset: Int) -> Int { Int(word(offset, 2)) }
  func word32(_ offset: Int) -> Int { Int(word(offset, 4)) }
  func word64(_ offset: Int) -> UInt64 { word(offset, 8) }

  private func word(_ offset: Int, _ count: Int) -> UInt64 {
    guard offset >= 0, offset + count <= bytes.count else { return 0 }
    return (0..<count).reversed().reduce(0) { $0 << 8 | UInt64(bytes[offset + $1]) }
  }

  /// The number that the page bears itself.
  var ownNumber: UInt64 { word64(0) }
  /// What kind of page it is.
  var flags: Int { word16(10) }
  /// How many nodes are on it.
  var nodeCount: Int { (word16(12) - 16) / 2 }
}
