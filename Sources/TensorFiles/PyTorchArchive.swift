import NumPyFiles

/// A `.pth` file in the form since PyTorch 1.6: a zip archive of a pickle and one member a storage.
struct PyTorchArchive: StorageSource {
  private let zip: ZipReader
  private let place: FilePlace
  private var members: [String: ZipEntry] = [:]
  /// The folder in which everything lies, with its slash.
  private let root: String
  /// PyTorch can leave the checksums out; then all are 0.
  private let hasChecksums: Bool

  var pickleName: String { root + "data.pkl" }

  init(_ bytes: [UInt8], place: FilePlace) throws(TensorFileError) {
    self.place = place
    zip = try ZipReader(bytes, file: place.file)
    let entries = zip.directory.entries
    hasChecksums = entries.contains { $0.checksum != 0 }
    for entry in entries where members.updateValue(entry, forKey: entry.name) != nil {
      throw place.part("member \(entry.name)").error("the archive has this member twice")
    }
    let names = entries.map(\.name)
    if names.contains(where: { $0.hasSuffix("/constants.pkl") || $0.contains("/code/") }) {
      throw place.error(
        "is a TorchScript program, not a state dict",
        remedy: "save its weights alone, in Python: "
          + "torch.save(torch.jit.load(file).state_dict(), new_file)")
    }
    let pickles = names.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
    guard let pickle = pickles.first, pickles.count == 1 else {
      let isNumPy = !names.isEmpty && names.allSatisfy { $0.hasSuffix(".npy") }
      throw place.error(
        "the archive has \(pickles.isEmpty ? "no" : "more than one") data.pkl",
        remedy: isNumPy
          ? "it is an .npz file of numpy" : "a .pth file has one, beside the folder data")
    }
    root = String(pickle.dropLast("data.pkl".count))
    if let order = members[root + "byteorder"], order.size <= 16 {
      let text = String(decoding: try content(of: order), as: UTF8.self)
      guard text == "little" else {
        throw place.part("member \(order.name)").error(
          "the numbers are in the order \"\(text)\"",
          remedy: "only \"little\" is read: save the file on an x86 or ARM machine")
      }
    }
  }

  /// The program that says which tensors there are.
  func pickle() throws(TensorFileError) -> [UInt8] {
    guard let entry = members[pickleName] else { return [] }
    return try content(of: entry)
  }

  private func content(of entry: ZipEntry) throws(TensorFileError) -> [UInt8] {
    try zip.content(of: entry, isVerified: hasChecksums)
  }

  /// The member that a storage is in. Its key is a name in the archive and never a path.
  private func member(of storage: PickleStorage) throws(TensorFileError) -> ZipEntry {
    guard let entry = members["\(root)data/\(storage.key)"] else {
      throw place.error("the archive lacks the storage data/\(storage.key)")
    }
    return entry
  }

  /// Compares what a storage is said to have with the member's size.
  func check(_ storage: PickleStorage) throws(TensorFileError) {
    let entry = try member(of: storage)
    let (needed, overflow) = storage.count.multipliedReportingOverflow(by: storage.format.size)
    guard !overflow, needed == entry.size else {
      throw place.part("member \(entry.name)").error(
        "has \(entry.size) bytes, not \(storage.count) numbers of \(storage.format.size)")
    }
  }

  func content(of storage: PickleStorage) throws(TensorFileError) -> ArraySlice<UInt8> {
    try content(of: try member(of: storage))[...]
  }
}
