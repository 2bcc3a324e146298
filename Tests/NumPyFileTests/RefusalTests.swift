import Foundation
import Tensors
import Testing
import WholeFiles

@testable import NumPyFiles

@Suite struct RefusalTests {
  /// An `.npy` file with a given header and some bytes of data.
  static func file(_ header: String, data: Int = 0) -> [UInt8] {
    var bytes = NumPyHeader.magic + [1, 0]
    bytes.appendLittleEndian(UInt16(header.utf8.count))
    return bytes + Array(header.utf8) + [UInt8](repeating: 0, count: data)
  }

  @Test(arguments: [
    ("{'descr': '<f4', 'fortran_order': False}", "the header lacks 'shape'"),
    ("{'descr': '<f4', 'shape': ()}", "the header lacks 'fortran_order'"),
    ("{}", "the header lacks 'descr'"),
    ("{'descr': '<f4', 'descr': '<f8'}", "gives 'descr' twice"),
    ("{'colour': 3}", "unknown key 'colour'"),
    ("{'shape': (3", "the header needs a ')' here"),
    ("{'shape': (3, x)}", "needs a whole number"),
    ("{'shape': (99999999999999999999,)}", "needs a whole number"),
    ("{'shape': (-1,)}", "no extent may be negative"),
    ("{'shape': (4294967296,)}", "no extent may exceed 2^31 - 1"),
    ("{'shape': (2147483647, 2147483647, 2147483647)}", "overflows"),
    ("{'fortran_order': 1}", "neither True nor False"),
    ("{'descr': '<c8'}", "numbers of type '<c8' are not read"),
    ("{'descr': 'f4'}", "numbers of type 'f4' are not read"),
    ("{'descr': [('a', '<f4')]}", "structured type"),
    ("{'descr", "the quoted string never ends"),
    ("[]", "the header needs a '{' here"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", "something follows"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "4 bytes follow the header"),
    (
      "{'descr': '<f8', 'fortran_order': False, 'shape': (2147483647, 2147483647)}",
      "needs more than 2^63"
    ),
  ])
  func badHeadersAreNamed(header: String, message: String) {
    let error = #expect(throws: FileError.self) {
      try NumPyArray(decoding: Self.file(header, data: 4), name: "a.npy")
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(message), "\(text)")
    #expect(text.hasPrefix("a.npy, byte "), "\(text)")
  }

  @Test(arguments: ["complex", "structured", "objects"])
  func otherTypesOfNumpyAreRefused(name: String) {
    #expect(throws: FileError.self) {
      try NumPyArray(contentsOf: fixture("numpy/\(name).npy"))
    }
  }

  @Test func aZip64LocatorHasToLeadSomewhere() throws {
    var bytes = try NumPyArchiveTests.sample.encoded()
    // Before the record at the end: a mark, a disk's number, an offset and the number of disks.
    bytes.insert(
      contentsOf: [0x50, 0x4B, 6, 7] + [UInt8](repeating: 0, count: 16), at: bytes.count - 22)
    let error = #expect(throws: FileError.self) { try NumPyArchive(decoding: bytes) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("the zip64 locator does not lead to its record"), "\(text)")
  }

  @Test func aShapeOfThousandsOfAxesIsNotWritten() throws {
    let array = NumPyArray(Tensor<Float>(try Shape(checking: Array(repeating: 1, count: 30_000))))
    let error = #expect(throws: FileError.self) { try array.encoded() }
    #expect(error?.problem == "a shape of 30000 axes does not fit in the header")
    #expect(error?.remedy == "numpy allows 64")
  }

  @Test func theTwoKindsOfFileAreToldApart() {
    let asArray = #expect(throws: FileError.self) {
      try NumPyArray(contentsOf: fixture("numpy/stored.npz"))
    }
    #expect(asArray?.remedy?.contains("NumPyArchive") == true)
    let asArchive = #expect(throws: FileError.self) {
      try NumPyArchive(contentsOf: fixture("numpy/scalar.npy"))
    }
    #expect(asArchive?.remedy?.contains("NumPyArray") == true)
  }

  @Test func missingFilesAreNamed() {
    let error = #expect(throws: FileError.self) {
      try NumPyArray(contentsOf: URL(filePath: "/nowhere/a.npy"))
    }
    #expect(error.map { "\($0)" } == "/nowhere/a.npy: cannot be opened: No such file or directory")
  }

  @Test(arguments: [
    "numpy/f4_little_c.npy", "numpy/version2.npy", "numpy/stored.npz", "numpy/deflated.npz",
  ])
  func everyTruncationIsAnError(path: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture(path)))
    for length in 0..<min(whole.count, 4000) {
      let part = Array(whole.prefix(length))
      if path.hasSuffix("z") {
        #expect(throws: FileError.self, "\(length)") { try NumPyArchive(decoding: part) }
      } else {
        #expect(throws: FileError.self, "\(length)") { try NumPyArray(decoding: part) }
      }
    }
  }

  /// Bytes changed, cut out, doubled: whatever comes of it, reading returns or throws.
  @Test(arguments: [
    "numpy/f4_little_c.npy", "numpy/i8_big_fortran.npy", "numpy/stored.npz", "numpy/deflated.npz",
  ])
  func mutatedFilesNeverTrap(path: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture(path)))
    var generator = SplitMix64(seed: 2012)
    var refused = 0
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &generator) { bytes.mutate(using: &generator) }
      do throws(FileError) {
        if path.hasSuffix("z") {
          let archive = try NumPyArchive(decoding: bytes)
          for name in archive.names { _ = archive[name]?.tensor(as: Float.self) }
        } else {
          _ = try? NumPyArray(decoding: bytes).integers()
          _ = try NumPyArray(decoding: bytes).tensor(as: Double.self)
        }
      } catch {
        refused += 1
      }
    }
    #expect(refused > 500)  // most of the mutations hit something that matters
  }

  @Test func changedContentFailsItsChecksum() throws {
    for name in ["stored", "deflated"] {
      let whole = [UInt8](try Data(contentsOf: fixture("numpy/\(name).npz")))
      var bytes = whole
      bytes[120] ^= 1  // inside the first member
      let error = #expect(throws: FileError.self) { try NumPyArchive(decoding: bytes) }
      #expect(error?.part == "member weights.npy")
    }
  }

  @Test func membersMayNotShareBytes() throws {
    var archive = NumPyArchive()
    archive["a"] = NumPyArray([1])
    archive["b"] = NumPyArray([1])
    var bytes = try archive.encoded()
    // Lead the second member of the directory to the first one's bytes.
    let directory = Array("b.npy".utf8)
    let name = try #require(bytes.indices.last { bytes[$0...].starts(with: directory) })
    for i in 0..<4 { bytes[name - 4 + i] = 0 }
    let error = #expect(throws: FileError.self) { try NumPyArchive(decoding: bytes) }
    #expect(error?.problem.hasPrefix("the member lies inside another one") == true)
  }
}

extension [UInt8] {
  /// Flips a bit, sets a byte, writes a large number, or removes, doubles or cuts a stretch.
  mutating func mutate(using generator: inout SplitMix64) {
    guard !isEmpty else { return }
    let position = Int.random(in: 0..<count, using: &generator)
    let end = Swift.min(count, position + Int.random(in: 1...16, using: &generator))
    switch Int.random(in: 0..<7, using: &generator) {
    case 0: self[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: self[position] = UInt8.random(in: 0...255, using: &generator)
    case 2: for i in position..<Swift.min(count, position + 4) { self[i] = 0xFF }
    case 3: self[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
    case 4: removeSubrange(position..<end)
    case 5: insert(contentsOf: Array(self[position..<end]), at: position)
    default: removeSubrange(position...)
    }
  }
}
