import Foundation

/// An interpreter of Python: other programs that read what this package writes are written in it.
public struct Python: Sendable {
  /// The system's `python3`, if there is one.
  public static let installed = Python(
    executable: URL(filePath: "/usr/bin/env"), firstArguments: ["python3"])

  /// The one that `script/python` made, with numpy, OpenCV and lmdb, if it did.
  public static let withLibraries = Python(
    executable: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: ".build-python/bin/python"),
    firstArguments: [])

  private let executable: URL
  private let firstArguments: [String]

  /// A process that will run a program.
  public func process(_ program: String, _ arguments: [String] = []) -> Process {
    let process = Process()
    process.executableURL = executable
    process.arguments = firstArguments + ["-c", program] + arguments
    return process
  }

  /// What a program prints on standard output; `nil` when there is no interpreter or it fails.
  public func output(of program: String, _ arguments: String...) -> String? {
    let process = process(program, arguments)
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: text, as: UTF8.self) : nil
  }

  /// Whether it is there and can import a module.
  public func has(_ module: String) -> Bool { output(of: "import \(module)") != nil }
}
