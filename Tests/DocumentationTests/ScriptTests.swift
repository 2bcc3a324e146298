import Foundation
import Testing

/// What a script does with what it is told, and from where.
@Suite("the scripts") final class ScriptTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "scripts \(UUID())")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func run(
    _ script: URL, _ arguments: [String], path: String? = nil
  ) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = script
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    var environment = ProcessInfo.processInfo.environment
    if let path { environment["PATH"] = "\(path):\(environment["PATH"] ?? "/usr/bin:/bin")" }
    process.environment = environment
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, output)
    try process.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
  }

  @Test(
    "refuse what they don't know, before they do anything",
    arguments: [
      ["bootstrap", "--chek"], ["kill-and-resume", "abc"], ["kill-and-resume", "0"],
      ["check-dependency", "foo"], ["coverage"], ["coverage", "nothing"], ["faults", "x"],
      ["fuzz", "nothing"], ["fuzz", "--seconds", "0"],
    ])
  func refusals(words: [String]) throws {
    let script = PackageFolder.root.appending(path: "script/\(words[0])")
    let ended = try run(script, Array(words.dropFirst()))
    #expect(ended.code == 64)
    #expect(ended.output.hasPrefix("script/\(words[0]): "))
  }

  @Test("script/walkthrough runs by a link, and builds only where something has changed")
  func walkthrough() throws {
    let package = folder.appending(path: "package")
    for place in ["script", "Sources", ".build/release", "bin"] {
      try FileManager.default.createDirectory(
        at: package.appending(path: place), withIntermediateDirectories: true)
    }
    for file in [
      "script/walkthrough", "script/bootstrap", "script/build-flags", "Package.swift",
      "Package.resolved",
    ] {
      try FileManager.default.copyItem(
        at: PackageFolder.root.appending(path: file), to: package.appending(path: file))
    }
    func write(_ text: String, _ path: String) throws {
      let file = package.appending(path: path)
      try text.write(to: file, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }
    try write("#!/bin/sh\necho the program: $1\n", ".build/release/walkthrough")
    try write("#!/bin/sh\necho swift was asked to build >&2; exit 1\n", "bin/swift")
    let link = folder.appending(path: "link")
    try FileManager.default.createSymbolicLink(
      at: link, withDestinationURL: package.appending(path: "script/walkthrough"))
    let bin = package.appending(path: "bin").path

    // Built by hand perhaps, with other flags.
    #expect(try run(link, ["x"], path: bin).output.contains("swift was asked to build"))
    try write("", ".build/walkthrough-built")
    let ended = try run(link, ["x"], path: bin)
    #expect(ended.code == 0 && ended.output == "the program: x\n")
    // The clock of some file systems goes in hundredths of a second.
    Thread.sleep(forTimeInterval: 0.05)
    try write("", "Sources/new.swift")
    let changed = try run(link, ["x"], path: bin)
    #expect(changed.code == 1 && changed.output.hasPrefix("Building what has changed."))
  }
}
