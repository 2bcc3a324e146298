import NumPyFiles

/// A `.pth` file in the form before PyTorch 1.6: five pickles in a row, then the numbers.
///
/// The pickles are the magic number, the version of the protocol, facts about the system, the object,
/// and the list of storages, in whose order the numbers follow: of each, how many there are, as an
/// integer of 64 bits, and the numbers.
struct LegacyPyTorchFile: StorageSource {
  private let bytes: [UInt8]
  private let place: FilePlace
  /// What the file is of.
  let object: PickleValue
  let heap: PickleHeap
  private var ranges: [String: Range<Int>] = [:]

  init(_ bytes: [UInt8], place: FilePlace) throws(TensorFileError) {
    self.bytes = bytes
    self.place = place
    // The magic number has been looked at: that made it this kind of file.
    var version = Unpickler(bytes, from: FileKind.legacyMagic.count, place: place)
    guard try version.run() == .integer(1001) else {
      throw place.error(
        "the version of the protocol isn't 1001", at: FileKind.legacyMagic.count,
        remedy: "no other is known")
    }
    var system = Unpickler(bytes, from: version.position, place: place)
    guard case .dictionary(let facts) = try system.run(),
      !system.heap.dictionaries[facts].items.contains(where: {
        $0.key == .text("little_endian") && $0.value != .bool(true)
      })
    else {
      throw place.error(
        "the numbers are not in little-endian order", at: version.position,
        remedy: "save the file on an x86 or ARM machine")
    }
    var content = Unpickler(bytes, from: system.position, place: place)
    object = try content.run()
    heap = content.heap
    var list = Unpickler(bytes, from: content.position, place: place)
    guard case .list(let index) = try list.run() else {
      throw place.error("the list of storages is missing", at: content.position)
    }
    var position = list.position
    let formats = Dictionary(heap.storages.map { ($0.key, $0) }) { first, _ in first }
    for key in list.heap.sequences[index] {
      guard case .text(let key) = key, let storage = formats[key], ranges[key] == nil else {
        throw place.error(
          "the list of storages has one that no tensor uses, or one twice", at: position)
      }
      let size = storage.format.size
      guard let count = bytes.littleEndian(UInt64.self, at: position), count == storage.count,
        storage.count <= (bytes.count - position - 8) / size
      else {
        throw place.error(
          "storage \(key) should begin here, with \(storage.count) numbers of \(size) bytes",
          at: position, remedy: "the file is truncated or damaged")
      }
      ranges[key] = position + 8..<position + 8 + storage.count * size
      position += 8 + storage.count * size
    }
    guard position == bytes.count else {
      throw place.error("something follows the last storage", at: position)
    }
    for storage in heap.storages {
      guard let range = ranges[storage.key],
        range.count == storage.count * storage.format.size
      else {
        throw place.error("the numbers of storage \(storage.key) are missing or of another type")
      }
    }
  }

  func content(of storage: PickleStorage) throws(TensorFileError) -> ArraySlice<UInt8> {
    guard let range = ranges[storage.key] else {
      throw place.error("the numbers of storage \(storage.key) are missing")
    }
    return bytes[range]
  }
}
