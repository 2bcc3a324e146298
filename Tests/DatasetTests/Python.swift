import Foundation

/// The Python that script/python made, if it did.
let pythonInterpreter = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appending(
    path: ".build-python/bin/python")

/// What a program of Python prints; nil when it fails.
func python(_ program: String, _ arguments: String...) -> String? {
  let process = Process()
  process.executableURL = pythonInterpreter
  process.arguments = ["-c", program] + arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  let text = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: text, as: UTF8.self) : nil
}

let lmdbIsPresent = python("import lmdb") != nil
