import CaffeMessages
import Foundation
import Tensors
import TestTools
import Testing

@testable import Datasets

@Suite struct DatumDatabaseWriterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func record(_ index: Int, bytes: Int = 12) throws -> Caffe_Datum {
    var random = SplitMix64(seed: UInt64(index))
    let values = (0..<bytes).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    return try Datum(
      channels: 1, height: 1, width: bytes, values: .bytes(values), label: index % 7
    ).message()
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let writer = try DatumDatabaseWriter(folder.path("db"), mapSize: 1 << 16)
    // Enough for several commits, a map that grows, and a tree of three levels; long values
    // in between lie on pages of their own.
    for index in 0..<5000 {
      try writer.append(record(index, bytes: index % 100 == 0 ? 9000 : 12), name: "a b/\(index)")
    }
    try writer.finish()
    let database = try DatumDatabase(folder.path("db"))
    #expect(database.count == 5000)
    for index in stride(from: 0, to: 5000, by: 50) {
      let datum = try database.datum(index)
      #expect(try datum == Datum(record(index, bytes: index % 100 == 0 ? 9000 : 12)))
    }
    #expect(String(decoding: database.key(4999), as: UTF8.self) == "00004999_a b/4999")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["db"])
  }

  @Test func floatsSurvive() throws {
    let datum = try Datum(
      channels: 2, height: 1, width: 2, values: .floats([0.1, -3, .pi, 1e-30]), label: -1)
    let writer = try DatumDatabaseWriter(folder.path("db"))
    try writer.append(datum.message(), name: "x")
    try writer.finish()
    #expect(try DatumDatabase(folder.path("db")).datum(0) == datum)
  }

  /// Caffe's `label` is an int32.
  @Test(arguments: [nil, ImageConversion.Encoding.png])
  func aLabelBeyond32BitsIsRefused(encoding: ImageConversion.Encoding?) throws {
    let picture = fixture("pictures/colour.png")
    let conversion = ImageConversion(encoding: encoding)
    #expect(try conversion.message(of: picture, label: 2_147_483_647).label == 2_147_483_647)
    let error = #expect(throws: DatasetError.self) {
      try conversion.message(of: picture, label: 2_147_483_648)
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("label") && text.contains("32 bits"), "\(text)")
  }

  @Test func anUnfinishedDatabaseLeavesNothing() throws {
    func start() throws {
      let writer = try DatumDatabaseWriter(folder.path("db"))
      try writer.append(record(0), name: "x")
      #expect(throws: DatasetError.self) {
        try writer.append(record(1), name: String(repeating: "x", count: 512))
      }
    }
    try start()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == [])
    let empty = try DatumDatabaseWriter(folder.path("db"))
    #expect(throws: DatasetError.self) { try empty.finish() }
  }

  @Test func nothingIsOverwritten() throws {
    try Data([1]).write(to: folder.url.appending(path: "db"))
    let error = #expect(throws: DatasetError.self) { try DatumDatabaseWriter(folder.path("db")) }
    #expect(
      error?.description
        == "\(folder.path("db")): exists already; remove it or choose another name")
    #expect(throws: DatasetError.self) { try DatumDatabaseWriter(folder.path("missing/db")) }
  }

  @Test func nothingIsOverwrittenThatCameMeanwhile() throws {
    let path = folder.path("taken")
    func write() throws {
      let writer = try DatumDatabaseWriter(path)
      try writer.append(record(0), name: "x")
      try Data([1]).write(to: URL(filePath: path))
      let error = #expect(throws: DatasetError.self) { try writer.finish() }
      #expect(error?.description == "\(path): cannot take this name: it exists by now")
    }
    try write()
    #expect(try Data(contentsOf: URL(filePath: path)) == Data([1]))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["taken"])
  }

  @Test(
    .enabled(
      if: Python.withLibraries.has("lmdb"), "run script/python to compare with Python's lmdb"))
  func pythonReadsWhatIsWrittenHere() throws {
    let writer = try DatumDatabaseWriter(folder.path("db"))
    for index in 0..<300 { try writer.append(record(index), name: "\(index)") }
    try writer.finish()
    let program = """
      import lmdb, sys
      with lmdb.open(sys.argv[1], readonly=True) as database, database.begin() as reading:
          for key, value in reading.cursor(): print(key.decode(), value.hex())
      """
    let expected = try (0..<300).map { index in
      let value: [UInt8] = try record(index).serializedBytes()
      return String(format: "%08d_%d ", index, index)
        + value.map { String(format: "%02x", $0) }.joined() + "\n"
    }
    #expect(Python.withLibraries.output(of: program, folder.path("db")) == expected.joined())
  }
}
