/// Walks through the tree of an LMDB file and checks everything that liblmdb trusts in.
///
/// liblmdb maps the file into memory and follows it without looking: a page number or an offset
/// that is wrong ends the process. So every branch and leaf is read here first, once. The values
/// themselves are left alone, except that they must lie within the file.
struct TreeWalk {
  /// The keys in their order, which is that of the records.
  private(set) var keys = KeyList()

  private let file: PageFile
  /// For each page, whether the walk has come by: in a tree it does so once at most.
  private var isVisited: [Bool]

  /// The keys of a file's main tree.
  static func keys(of file: PageFile) throws(DatasetError) -> KeyList {
    let head = file.head
    guard head.flags == 0 else {
      throw file.error(
        "holds an LMDB database of another kind (flags \(head.flags)): Caffe's have one value a key"
      )
    }
    var walk = TreeWalk(file)
    if let root = head.root { try walk.visit(root, level: 1, of: head.depth) }
    guard walk.keys.count == head.entryCount else {
      throw file.error(
        "has \(walk.keys.count) records, but its head counts \(head.entryCount): it is damaged")
    }
    return walk.keys
  }

  private init(_ file: PageFile) {
    isVisited = Array(
      repeating: false, count: min(file.head.lastPage + 1, file.byteCount / file.head.pageSize))
    self.file = file
  }

  private mutating func visit(_ number: Int, level: Int, of depth: Int) throws(DatasetError) {
    let page = try file.page(number)
    func damage(_ what: String) -> DatasetError {
      file.error("page \(number): \(what): the file is damaged")
    }
    guard !isVisited[number] else { throw damage("is in the tree twice") }
    isVisited[number] = true
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
    guard keys.append(key) else { throw damage("is out of order") }
    switch page.word16(node + 4) {
    case 0:
      guard size <= page.bytes.count - node - 8 - keySize else {
        throw damage("has a value of \(size) bytes, which reaches beyond the page")
      }
    case 1:
      // The value lies on pages of its own, behind a page head of 16 bytes.
      let first = page.word64(node + 8 + keySize)
      guard node + 16 + keySize <= page.bytes.count, first >= 2, first <= file.head.lastPage,
        Int(first) * file.head.pageSize + 16 + size <= file.byteCount
      else {
        throw damage(
          "has a value of \(size) bytes on page \(first), which reaches beyond the file")
      }
    default:
      throw damage("is of a kind that Caffe's databases don't have")
    }
  }
}

/// Byte strings in ascending order, without an allocation for each.
struct KeyList: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  var count: Int { ends.count }

  subscript(index: Int) -> ArraySlice<UInt8> {
    bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
  }

  /// Adds a key; false when it isn't greater than the last one, as liblmdb compares.
  mutating func append(_ key: ArraySlice<UInt8>) -> Bool {
    if count > 0, !self[count - 1].lexicographicallyPrecedes(key) { return false }
    bytes += key
    ends.append(bytes.count)
    return true
  }
}
