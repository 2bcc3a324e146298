/// Walks through the tree of an LMDB file, checks it, and notes where each value lies.
///
/// Every branch and leaf is read once. A page number or an offset that is wrong is an error. The
/// values themselves are left alone, except that they must lie within the file.
struct TreeWalk {
  /// The records in the order of their keys.
  private(set) var records = RecordIndex()

  private let file: PageFile
  /// The pages that the walk has come by: in a tree it does so once at most. A file can claim to be
  /// larger than any memory, so what isn't visited takes none.
  private var visited: Set<Int> = []

  /// The records of a file's main tree.
  static func records(of file: PageFile) throws(DatasetError) -> RecordIndex {
    let head = file.head
    guard head.flags == 0 else {
      throw file.error(
        "holds an LMDB database of another kind (flags \(head.flags)): Caffe's have one value a key"
      )
    }
    var walk = TreeWalk(file)
    if let root = head.root { try walk.visit(root, level: 1, of: head.depth) }
    guard walk.records.count == head.entryCount else {
      throw file.error(
        "has \(walk.records.count) records, but its head counts \(head.entryCount): it is damaged")
    }
    return walk.records
  }

  private init(_ file: PageFile) {
    self.file = file
  }

  private mutating func visit(_ number: Int, level: Int, of depth: Int) throws(DatasetError) {
    let page = try file.page(number)
    func damage(_ what: String) -> DatasetError {
      file.error("page \(number): \(what): the file is damaged")
    }
    guard visited.insert(number).inserted else { throw damage("is in the tree twice") }
    // liblmdb climbs 32 levels at most.
    guard depth <= 32, level <= depth else { throw damage("lies deeper than the tree is") }
    let isLeaf = level == depth
    guard page.ownNumber == UInt64(number), page.flags & 0x6F == (isLeaf ? 0x02 : 0x01) else {
      throw damage("is not the \(isLeaf ? "leaf" : "branch") that it should be")
    }
    let count = page.nodeCount
    // A branch of one way is none, and liblmdb ends the process over it.
    guard count >= (isLeaf ? 1 : 2), 16 + 2 * count <= page.bytes.count else {
      throw damage("has an impossible number of entries (\(count))")
    }
    for index in 0..<count {
      let node = page.word16(16 + 2 * index)
      guard node >= 16 + 2 * count, node + 8 + page.word16(node + 6) <= page.bytes.count else {
        throw damage("entry \(index) reaches beyond the page")
      }
      if isLeaf {
        try addRecord(page, node: node, index: index)
      } else {
        let child =
          page.word16(node) | page.word16(node + 2) << 16 | page.word16(node + 4) << 32
        try visit(child, level: level + 1, of: depth)
      }
    }
  }

  private mutating func addRecord(_ page: Page, node: Int, index: Int) throws(DatasetError) {
    func damage(_ what: String) -> DatasetError {
      file.error("page \(page.number): entry \(index) \(what): the file is damaged")
    }
    let size = page.word32(node)
    let keySize = page.word16(node + 6)
    guard (1...511).contains(keySize) else { throw damage("has a key of \(keySize) bytes") }
    let key = page.bytes[node + 8..<node + 8 + keySize]
    let start: Int
    switch page.word16(node + 4) {
    case 0:
      guard size <= page.bytes.count - node - 8 - keySize else {
        throw damage("has a value of \(size) bytes, which reaches beyond the page")
      }
      start = page.number * file.head.pageSize + node + 8 + keySize
    case 1:
      // The value lies on pages of its own, after a page head of 16 bytes.
      let first = page.word64(node + 8 + keySize)
      guard node + 16 + keySize <= page.bytes.count, first >= 2, first <= file.head.lastPage,
        Int(first) * file.head.pageSize + 16 + size <= file.byteCount
      else {
        throw damage(
          "has a value of \(size) bytes on page \(first), which reaches beyond the file")
      }
      start = Int(first) * file.head.pageSize + 16
    default:
      throw damage("is of a kind that Caffe's databases don't have")
    }
    guard records.append(key, value: start..<start + size) else { throw damage("is out of order") }
  }
}

/// The keys of records in ascending order, and where their values lie in the file.
struct RecordIndex: Sendable {
  /// All keys, one after the other.
  private var bytes: [UInt8] = []
  /// For each record, where its key ends in `bytes`.
  private var ends: [Int] = []
  /// For each record, the bytes of the file that its value takes.
  private var places: [Range<Int>] = []

  var count: Int { ends.count }

  /// The key of a record.
  func key(_ index: Int) -> ArraySlice<UInt8> {
    bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
  }

  /// The bytes of the file that a record's value takes.
  func place(_ index: Int) -> Range<Int> { places[index] }

  /// Adds a record; false when its key isn't greater than the last one, as liblmdb compares.
  mutating func append(_ newKey: ArraySlice<UInt8>, value place: Range<Int>) -> Bool {
    if count > 0, !key(count - 1).lexicographicallyPrecedes(newKey) { return false }
    bytes += newKey
    ends.append(bytes.count)
    places.append(place)
    return true
  }
}
