import Foundation
import Testing
import WholeFiles

@Suite final class WholeFileTests {
  let folder = FileManager.default.temporaryDirectory.appending(path: "whole-\(UUID())")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let file = folder.appending(path: "größe 1.bin")
    for pieces in [
      [[1, 2, 3]], [], [[], [4], []], [[UInt8](repeating: 7, count: 3_000_000), [8]],
    ] {
      try WholeFile.write(pieces as [[UInt8]], to: file)
      #expect(try WholeFile.read(file) == Array(pieces.joined()))
    }
    #expect(try names() == ["größe 1.bin"])
  }

  @Test func aPlaceIsTriedWithoutATrace() throws {
    let file = folder.appending(path: "file")
    try WholeFile.requirePlace(for: file)
    #expect(try names() == [])
    try WholeFile.write([1], to: file)
    try WholeFile.requirePlace(for: file)
    #expect(try WholeFile.read(file) == [1])
    // Through a link, the folder it leads to counts.
    let link = FileManager.default.temporaryDirectory.appending(path: "place-\(UUID())")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
    defer { try? FileManager.default.removeItem(at: link) }
    try WholeFile.requirePlace(for: link)
    try WholeFile.requirePlace(for: URL(filePath: "/dev/null"))
    #expect(try names() == ["file"])
    for (path, problem) in [
      (folder.path, "is a folder, so no file can take its name"),
      (folder.appending(path: "no/file").path, "cannot be written: No such file or directory"),
      (file.path + "/file", "cannot be written: Not a directory"),
      ("/proc/file", "cannot be written: No such file or directory"),
    ] {
      let error = #expect(throws: FileError.self) {
        try WholeFile.requirePlace(for: URL(filePath: path))
      }
      #expect(error?.description == "\(path): \(problem)")
    }
  }

  @Test func linksAreFollowed() throws {
    let (file, link) = (folder.appending(path: "file"), folder.appending(path: "link"))
    try WholeFile.write([1], to: file)
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
    try WholeFile.write([2], to: link)
    #expect(try WholeFile.read(file) == [2])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == file.path)
    #expect(try names() == ["file", "link"])
  }

  @Test func failuresLeaveEverythingAsItWas() throws {
    let file = folder.appending(path: "file")
    try WholeFile.write([1], to: file)
    let inFile = #expect(throws: FileError.self) {
      try WholeFile.write([2], to: file.appending(path: "below"))
    }
    #expect(inFile?.problem.hasPrefix("cannot be written: ") == true)
    let overFolder = #expect(throws: FileError.self) { try WholeFile.write([2], to: folder) }
    #expect(overFolder?.problem == "is a folder, so no file can take its name")
    #expect(try WholeFile.read(file) == [1])
    #expect(try names() == ["file"])
  }

  @Test func unreadableFilesAreNamed() throws {
    let missing = folder.appending(path: "missing")
    #expect(
      throws: FileError(
        path: missing.path, problem: "cannot be opened: No such file or directory")
    ) { try WholeFile.read(missing) }
    #expect(throws: FileError(path: folder.path, problem: "is a folder, not a file")) {
      try WholeFile.read(folder)
    }
    let file = folder.appending(path: "file")
    try WholeFile.write([1, 2, 3], to: file)
    #expect(try WholeFile.read(file, limit: 3) == [1, 2, 3])
    #expect(throws: FileError.self) { try WholeFile.read(file, limit: 2) }
  }

  #if os(Linux)
    @Test func lengthsBeyondMemoryAreRefused() throws {
      let file = folder.appending(path: "sparse")
      try WholeFile.write([0], to: file)
      // Nothing of it is on the disk, and more than any machine's memory.
      try #require(truncate(file.path, 1 << 39) == 0)
      #expect(
        throws: FileError(
          path: file.path, problem: "has 549755813888 bytes, more memory than this process is given"
        )
      ) { try WholeFile.read(file) }
    }

    @Test func devicesAreWrittenNotReplaced() throws {
      try WholeFile.write([1], to: URL(filePath: "/dev/null"))
      #expect(try WholeFile.read(URL(filePath: "/dev/null")) == [])
      let full = #expect(throws: FileError.self) {
        try WholeFile.write([1], to: URL(filePath: "/dev/full"))
      }
      #expect(full?.problem == "cannot be written: No space left on device")
      // A source without an end or a length known beforehand stops at the limit.
      #expect(throws: FileError.self) {
        try WholeFile.read(URL(filePath: "/dev/zero"), limit: 1 << 20)
      }
    }
  #endif
}
