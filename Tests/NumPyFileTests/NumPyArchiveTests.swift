import Foundation
import Tensors
import Testing
import WholeFiles

@testable import NumPyFiles

@Suite struct NumPyArchiveTests {
  @Test(arguments: ["stored", "deflated"])
  func bothCompressionsAreRead(name: String) throws {
    let archive = try NumPyArchive(contentsOf: fixture("numpy/\(name).npz"))
    #expect(archive.names == ["weights", "labels", "top/00_data/größe"])
    let weights = try #require(archive["weights"]).tensor(as: Float.self)
    #expect(weights.shape == Shape(2, 3, 4))
    #expect(weights.elements.first == -1)
    #expect(weights.elements.last == 1)
    #expect(try archive["labels"]?.integers() == [3, 1, 4, 1, 5])
    #expect(archive["top/00_data/größe"]?.shape == Shape(64, 64))
    #expect(archive["absent"] == nil)
  }

  static var sample: NumPyArchive {
    var archive = NumPyArchive()
    archive["top/00_data/größe"] = NumPyArray(Tensor<Float>(Shape(3, 1, 2), repeating: 0.5))
    archive["labels"] = NumPyArray([1, 2, 3])
    archive["nothing"] = NumPyArray(Tensor<Double>(Shape(0)))
    return archive
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let sample = Self.sample
    #expect(try NumPyArchive(decoding: sample.encoded()) == sample)
    #expect(try NumPyArchive(decoding: NumPyArchive().encoded()).names == [])
    #expect(try sample.encoded() == sample.encoded())
  }

  /// As of programs that write down the time of a member before its 64-bit sizes.
  @Test func otherExtraFieldsArePassedOver() throws {
    var archive = NumPyArchive()
    archive["a"] = NumPyArray([1])
    var bytes = try archive.encoded()
    let entry = try #require(bytes.indices.last { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
    let (compressed, size) = (entry + 20..<entry + 24, entry + 24..<entry + 28)
    let zeros = [UInt8](repeating: 0, count: 4)
    let sizes = bytes[size] + zeros + bytes[compressed] + zeros
    let extra: [UInt8] = [0x55, 0x54, 1, 0, 0] + [1, 0, 16, 0] + sizes
    for i in [compressed, size].joined() { bytes[i] = 0xFF }
    // The lengths of the extra field, and of the directory in the 22 bytes at the end.
    bytes[entry + 30] += UInt8(extra.count)
    bytes[bytes.count - 22 + 12] += UInt8(extra.count)
    bytes.insert(contentsOf: extra, at: entry + 46 + "a.npy".utf8.count)
    #expect(try NumPyArchive(decoding: bytes) == archive)
  }

  /// Sizes beyond 4 GiB go into 64-bit fields. Lowering the limit shows them on small files.
  @Test(arguments: [0, 100, 300, 1000])
  func wideFieldsAreReadAgain(limit: Int) throws {
    let pieces = try Self.sample.pieces(place: FilePlace(file: "wide"), limit: limit)
    #expect(try NumPyArchive(decoding: Array(pieces.joined())) == Self.sample)
  }

  @Test func arraysCanBeReplacedAndRemoved() throws {
    var archive = Self.sample
    archive["labels"] = NumPyArray([9])
    archive["nothing"] = nil
    archive["absent"] = nil
    #expect(archive.names == ["top/00_data/größe", "labels"])
    #expect(try archive["labels"]?.integers() == [9])
  }

  @Test func namesThatNoMemberCanHaveAreRefused() {
    for name in ["", "/absolute", "nul\0", String(repeating: "n", count: 1 << 16)] {
      var archive = NumPyArchive()
      archive[name] = NumPyArray([1])
      #expect(throws: FileError.self) { try archive.encoded() }
    }
  }

  @Test func filesAppearWholeOrNotAtAll() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "npz-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "a.npz")
    try Self.sample.write(to: file)
    #expect(try NumPyArchive(contentsOf: file) == Self.sample)
    try NumPyArray([1]).write(to: file)  // replaces
    #expect(try NumPyArray(contentsOf: file).integers() == [1])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.npz"])

    let error = #expect(throws: FileError.self) {
      try Self.sample.write(to: folder.appending(path: "missing/a.npz"))
    }
    #expect(error?.problem == "cannot be written: No such file or directory")
    #expect(throws: FileError.self) { try NumPyArray([1]).write(to: folder) }
    #expect(throws: FileError.self) { try NumPyArray(contentsOf: folder) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.npz"])
  }
}
