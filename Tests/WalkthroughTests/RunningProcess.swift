import Foundation

/// What a process left.
struct Ended {
  var code: Int32
  var output: [String]
  var errors: String
}

/// Runs a program; with `interrupting`, sends it a signal once it has printed a line.
func runProcess(
  _ url: URL, _ arguments: [String], interrupting signal: Int32? = nil
) throws -> Ended {
  let process = Process()
  process.executableURL = url
  process.arguments = arguments
  let (output, errors) = (Pipe(), Pipe())
  process.standardOutput = output
  process.standardError = errors
  process.standardInput = FileHandle.nullDevice
  try process.run()
  var data = Data()
  if let signal {
    while !data.contains(UInt8(ascii: "\n")) {
      let part = output.fileHandleForReading.availableData
      if part.isEmpty { break }
      data += part
    }
    kill(process.processIdentifier, signal)
  }
  data += output.fileHandleForReading.readDataToEndOfFile()
  let said = errors.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return Ended(
    code: process.terminationStatus,
    output: String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init),
    errors: String(decoding: said, as: UTF8.self))
}
