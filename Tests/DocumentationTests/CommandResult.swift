import Foundation

/// What a command left behind.
struct CommandResult {
  let exitCode: Int32
  let output: String
  let errors: String
}

/// Runs the program that was built with these tests.
///
/// - Parameter folder: where; the present one if left out.
func runWalkthrough(_ arguments: [String], in folder: URL? = nil) throws -> CommandResult {
  let process = Process()
  process.executableURL = PackageFolder.build.appending(path: "walkthrough")
  process.arguments = arguments
  if let folder { process.currentDirectoryURL = folder }
  process.standardInput = FileHandle.nullDevice
  let files = ["output", "errors"].map {
    FileManager.default.temporaryDirectory.appending(path: "\(UUID()).\($0)")
  }
  defer { for file in files { try? FileManager.default.removeItem(at: file) } }
  for file in files { try Data().write(to: file) }
  process.standardOutput = try FileHandle(forWritingTo: files[0])
  process.standardError = try FileHandle(forWritingTo: files[1])
  try process.run()
  process.waitUntilExit()
  let texts = try files.map { try String(contentsOf: $0, encoding: .utf8) }
  return CommandResult(
    exitCode: process.terminationReason == .exit ? process.terminationStatus : -1,
    output: texts[0], errors: texts[1])
}
