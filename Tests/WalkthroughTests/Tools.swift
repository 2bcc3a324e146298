import Foundation

/// The programs that tests start.
enum Tools {
  /// The program that was built with these tests.
  static let walkthrough: URL? = {
    let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let url = folder.appending(path: "walkthrough")
    return FileManager.default.isExecutableFile(atPath: url.path) ? url : nil
  }()

  static let python = find("python3")

  /// The first program of a name in `PATH`.
  static func find(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// The folder `Tests`.
  static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()

  /// What a script among the tests finds wrong, a line each.
  ///
  /// - Parameter script: a path in `Tests`, of Python that prints "nothing is wrong" when that is so;
  ///   lines that begin with "skipped: " are handed on.
  static func problems(_ script: String, _ arguments: [String]) throws -> [String] {
    let process = Process()
    process.executableURL = URL(filePath: python ?? "")
    process.arguments = [tests.appending(path: script).path] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let lines = text.split(separator: "\n").map(String.init).filter { line in
      // What the surroundings don't allow, with the reason.
      guard line.hasPrefix("skipped: ") else { return true }
      print("\(script): \(line)")
      return false
    }
    if process.terminationStatus == 0 && lines == ["nothing is wrong"] { return [] }
    // One that was killed may have said nothing, which isn't that nothing is wrong.
    return lines + ["\(script) ended with \(process.terminationStatus)"]
  }
}
