import CaffeMessages
import Datasets
import Foundation
import Tensors
import Testing

/// Databases that are damaged, or something else: always an error, never a trap.
@Suite struct HostileDatabaseTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func message(_ path: String) -> String? {
    do throws(DatasetError) {
      _ = try DatumDatabase(path)
      return nil
    } catch {
      return error.description
    }
  }

  private func file(_ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: folder.url.appending(path: "data.mdb"))
    return folder.path("data.mdb")
  }

  /// Reads everything; true when nothing was wrong.
  private func isReadable(_ path: String) -> Bool {
    do throws(DatasetError) {
      let database = try DatumDatabase(path)
      for index in 0..<min(database.count ?? 0, 100) { _ = try database.datum(index) }
      return true
    } catch {
      return false
    }
  }

  @Test func whatIsNoDatabaseIsNamed() throws {
    #expect(message("/nowhere/db") == "/nowhere/db: there is no such database")
    let empty = folder.url.path
    #expect(
      message(empty) == "\(empty)/data.mdb: cannot be opened: No such file or directory")
    let path = try file(Array("GIF89a".utf8))
    #expect(
      message(path)
        == "\(path): is too short for an LMDB database: it is truncated, or something else")
    _ = try file(Array(repeating: 7, count: 100_000))
    #expect(message(path) == "\(path): is no LMDB database: its mark is missing")
    var whole = [UInt8](try Data(contentsOf: fixture("caffe/lmdb/raw_lmdb/data.mdb")))
    // The second byte of the page size in the second head: 8192 instead of 4096.
    whole[4096 + 41] = 0x20
    _ = try file(whole)
    #expect(message(path) == "\(path): has pages of 4096 and of 8192 bytes: it is damaged")
  }

  @Test(arguments: ["raw_lmdb", "jpg_lmdb"])
  func everyTruncationIsAnError(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture("caffe/lmdb/\(name)/data.mdb")))
    #expect(isReadable(try file(whole)))
    // Of the last page only a part is used: a file that misses the rest has lost nothing.
    for length in stride(from: 0, through: whole.count - 4096, by: 509) {
      let path = try file(Array(whole.prefix(length)))
      #expect(!isReadable(path), "\(length) of \(whole.count) bytes")
    }
  }

  @Test(arguments: ["raw_lmdb", "jpg_lmdb"])
  func mutatedDatabasesNeverTrap(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: fixture("caffe/lmdb/\(name)/data.mdb")))
    var generator = SplitMix64(seed: 1989)
    var refused = 0
    for _ in 0..<2500 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        // Page heads, the two heads of the file and the nodes lie at the ends of pages.
        let page = Int.random(in: 0..<whole.count / 4096, using: &generator)
        let offset = Int.random(in: 0..<160, using: &generator)
        let position = 4096 * page + (Bool.random(using: &generator) ? offset : 4095 - offset)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        default: bytes[position] = [0, 1, 0x7F, 0xFF].randomElement(using: &generator) ?? 0
        }
      }
      if !isReadable(try file(bytes)) { refused += 1 }
    }
    // Most pages hold nothing but pixels, and any pixel will do.
    #expect(refused > 100)
  }

  /// What is wrong with a record says which record it is.
  @Test func recordsThatDoNotFitAreNamed() throws {
    var message = Caffe_Datum()
    (message.channels, message.height, message.width) = (3, 2, 2)
    message.data = Data([1, 2, 3])
    let writer = try DatumDatabaseWriter(folder.path("db"))
    try writer.append(message, name: "cat")
    (message.channels, message.height, message.width) = (.max, .max, .max)
    try writer.append(message, name: "dog")
    message.encoded = true
    try writer.append(message, name: "eel")
    try writer.finish()
    let database = try DatumDatabase(folder.path("db"))
    let problems = [
      "key \"00000000_cat\": a datum of 3×2×2 cannot hold 3 numbers",
      "key \"00000001_dog\": a datum of 2147483647×2147483647×2147483647 cannot hold 3 numbers",
      "key \"00000002_eel\": holds a picture that cannot be decoded: "
        + "this is neither a PNG nor a JPEG picture",
    ]
    for (index, problem) in problems.enumerated() {
      let error = #expect(throws: DatasetError.self) { try database.datum(index) }
      #expect(error?.description == "\(folder.path("db")), \(problem)")
    }
  }

  @Test(arguments: ["raw_lmdb", "png_lmdb", "jpg_lmdb"])
  func mutatedDatumsNeverTrap(name: String) throws {
    let database = try DatumDatabase(fixture("caffe/lmdb/\(name)").path)
    var generator = SplitMix64(seed: 2012)
    var refused = 0
    for round in 0..<4000 {
      var bytes = try database.value(round)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        // The fields stand before and behind the one long field; both are worth hitting often.
        let near = Int.random(in: 0..<min(bytes.count, 24), using: &generator)
        let position =
          switch Int.random(in: 0..<3, using: &generator) {
          case 0: near
          case 1: bytes.count - 1 - near
          default: Int.random(in: 0..<bytes.count, using: &generator)
          }
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes[position] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
        case 3: bytes.insert(contentsOf: [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], at: position)
        default: bytes.removeSubrange(position...)
        }
        if bytes.isEmpty { break }
      }
      do throws(DatasetError) {
        let datum = try Datum(decoding: bytes)
        #expect(datum.values.count == datum.channels * datum.height * datum.width)
      } catch {
        refused += 1
      }
    }
    #expect(refused > 1000)
  }
}
