import NumPyFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The tensors of a `.pth` file: what PyTorch's `torch.save` writes of a state dict.
///
/// ```swift
/// let file = try PyTorchFile(contentsOf: URL(filePath: "alexnet-owt-7be5be79.pth"))
/// let weights = file.tensors["features.0.weight"]?.tensor(as: Float.self)
/// ```
///
/// Such a file is a program for Python. Here nothing of it is executed: an interpreter knows the few
/// instructions and names that a state dict needs, and refuses every other one by its name.
///
/// Both forms are read, the zip archive of PyTorch 1.6 and later and the pickles in a row of before.
/// PyTorch reads what `SafeTensors` writes, so this form is not written.
///
/// Sources: Python's module pickletools; PyTorch's modules torch.serialization and torch._utils for
/// the order of arguments.
public struct PyTorchFile: Sendable, Equatable {
  /// The tensors by name, in the order of the file. Numbers of 16 bits are widened to `Float`.
  public let tensors: NumPyArchive

  /// In a checkpoint, the name under which the state dict lies; empty where it is the whole file.
  public let stateName: String

  /// Reads a file.
  ///
  /// - Throws: `TensorFileError` for a file that is damaged, is something else (a TorchScript
  ///   program, a pickled model, a Git LFS pointer), or names what no state dict needs.
  /// - Complexity: O(length) of the file and of its tensors, which are in memory at the same time; of
  ///   numbers that are in neither the order of a tensor nor 32 bits wide, twice.
  public init(contentsOf url: URL) throws(TensorFileError) {
    try self.init(decoding: try contents(of: url), name: url.relativePath)
  }

  /// Reads the content of a file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what error messages call it.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: as `init(contentsOf:)`.
  public init(decoding bytes: [UInt8], name: String = "file") throws(TensorFileError) {
    let place = FilePlace(file: name)
    let storages: any StorageSource
    let state: StateDict
    switch FileKind(bytes) {
    case .zip:
      let archive = try PyTorchArchive(bytes, place: place)
      let part = place.part("member \(archive.pickleName)")
      var unpickler = Unpickler(try archive.pickle(), place: part)
      state = try StateDict(of: try unpickler.run(), in: unpickler.heap, place: part)
      for storage in unpickler.heap.storages { try archive.check(storage) }
      storages = archive
    case .legacyPyTorch:
      let legacy = try LegacyPyTorchFile(bytes, place: place)
      state = try StateDict(of: legacy.object, in: legacy.heap, place: place)
      storages = legacy
    case .pickle:
      throw place.error(
        "is a pickle, but not one that torch.save wrote",
        remedy: "a .pth file is a zip archive, or begins with PyTorch's magic number")
    case let kind?:
      throw place.error(kind.notice.problem, remedy: kind.notice.remedy)
    case nil:
      throw place.error(
        "is no .pth file", remedy: "one is a zip archive, or begins with PyTorch's magic number")
    }
    stateName = state.name
    tensors = try state.arrays(from: storages, fileSize: bytes.count, place: place)
  }
}

/// Where the numbers of storages come from.
protocol StorageSource {
  /// All numbers of a storage, of which there are as many as it says.
  func content(of storage: PickleStorage) throws(TensorFileError) -> ArraySlice<UInt8>
}
