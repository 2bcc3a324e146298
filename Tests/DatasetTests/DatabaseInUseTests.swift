import Foundation
import TestTools
import Testing

@testable import Datasets

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct DatabaseInUseTests {
  private let folder: TemporaryFolder
  private let database: String

  init() throws {
    folder = try TemporaryFolder()
    database = folder.path("db")
    try FileManager.default.copyItem(
      atPath: fixture("caffe/lmdb/raw_lmdb").path, toPath: database)
  }

  private func refusal() -> String? {
    do throws(DatasetError) {
      _ = try DatumDatabase(database)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func aLockFileThatNobodyHoldsIsNoObstacle() throws {
    try Data(count: 8192).write(to: URL(filePath: database + "/lock.mdb"))
    #expect(refusal() == nil)
  }

  @Test func readersHereDoNotSeeEachOther() throws {
    let first = try DatumDatabase(database)
    let second = try DatumDatabase(database)
    #expect(try first.datum(7) == second.datum(7))
    #expect(try FileManager.default.contentsOfDirectory(atPath: database) == ["data.mdb"])
  }

  /// Where a file is mapped into memory, this ends the process (SIGBUS).
  @Test func aFileThatIsShortenedIsAnError() throws {
    let opened = try DatumDatabase(database)
    let count = try #require(opened.count)
    let values = try (0..<count).map { try opened.value($0) }
    let file = try FileHandle(forWritingTo: URL(filePath: database + "/data.mdb"))
    let size = try file.seekToEnd()
    try file.truncate(atOffset: 2 * 4096)
    for index in 0..<count {
      #expect(throws: DatasetError.self) { try opened.value(index) }
    }
    try file.truncate(atOffset: size)
    // What was cut off is 0 by now, so the values differ; nothing traps.
    for index in 0..<count { #expect(try opened.value(index).count == values[index].count) }
  }

  #if os(Linux)
    /// liblmdb's lock, held by a file description: Linux counts that as somebody else's, even in
    /// this process.
    @Test func aDatabaseThatSomebodyHasOpenIsRefused() throws {
      let path = database + "/lock.mdb"
      try Data(count: 8192).write(to: URL(filePath: path))
      let descriptor = open(path, O_RDWR)
      var lock = flock()
      lock.l_type = Int16(F_RDLCK)
      lock.l_whence = Int16(SEEK_SET)
      lock.l_len = 1
      let setLockOfDescription: Int32 = 37  // F_OFD_SETLK of <fcntl.h>
      #expect(fcntl(descriptor, setLockOfDescription, &lock) == 0)
      #expect(
        refusal()
          == "\(database): another process has this database open, as its lock on \(path) shows, "
          + "and may change it meanwhile; close it there first, or open it there for reading only")
      close(descriptor)
      #expect(refusal() == nil)
    }
  #endif

  /// Python opens a database, says so, and keeps it until its input ends. Who may write is refused, and
  /// is found behind one who only reads; on Linux it is seen that somebody only reads.
  @Test(
    .enabled(
      if: Python.withLibraries.has("lmdb"), "run script/python to compare with Python's lmdb"),
    arguments: ["writer", "reader", "reader and writer"])
  func aDatabaseThatPythonHasOpen(holders: String) throws {
    // Opened for reading only, lmdb needs a lock file that is there.
    try Data(count: 8192).write(to: URL(filePath: database + "/lock.mdb"))
    var processes: [(Process, Pipe)] = []
    for holder in holders.components(separatedBy: " and ") {
      let process = Python.withLibraries.process(
        "import lmdb, sys; it = lmdb.open(sys.argv[1], readonly=\(holder == "reader" ? "True" : "False"))"
          + "; print('open', end='', flush=True); sys.stdin.read()", [database])
      let (input, output) = (Pipe(), Pipe())
      process.standardInput = input
      process.standardOutput = output
      try process.run()
      #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "open")
      processes.append((process, input))
    }
    #if os(Linux)
      let isRefused = holders.hasSuffix("writer")
    #else
      let isRefused = true
    #endif
    if isRefused {
      #expect(refusal()?.contains(" has this database open, as its lock on ") == true)
      #if os(Linux)
        let writer = try #require(processes.last).0.processIdentifier
        #expect(refusal()?.hasPrefix("\(database): process \(writer) has") == true)
      #endif
    } else {
      let opened = try DatumDatabase(database)
      #expect(try opened.datum(3).channels == 3)
    }
    for (process, input) in processes {
      try input.fileHandleForWriting.close()
      process.waitUntilExit()
    }
    #expect(refusal() == nil)
  }
}
