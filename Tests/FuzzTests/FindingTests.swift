import Foundation
import FuzzTargets
import Testing

@Suite("What the fuzzers run")
struct FindingTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fuzzing")

  /// The files from which the fuzzers start, and those with which they once found something.
  @Test("keeps its promises on all seeds and former findings", arguments: FuzzTarget.allCases)
  func files(target: FuzzTarget) throws {
    for (kind, isNeeded) in [("Seeds", true), ("Findings", false)] {
      let folder = Self.folder.appending(path: "\(kind)/\(target)")
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(names?.isEmpty == false || !isNeeded, "\(folder.path) has no files")
      for name in names ?? [] {
        let file = folder.appending(path: name).resolvingSymlinksInPath()
        let bytes = try [UInt8](Data(contentsOf: file))
        #expect(throws: Never.self, "\(kind)/\(target)/\(name)") { try target.run(bytes) }
      }
    }
  }

  @Test("keeps them on nothing and on noise", arguments: FuzzTarget.allCases)
  func noise(target: FuzzTarget) throws {
    try target.run([])
    for length in 1...40 { try target.run((0..<length).map { UInt8(37 * $0 % 256) }) }
  }
}
