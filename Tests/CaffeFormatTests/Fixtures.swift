import Foundation
import NumPyFiles
import Tensors
import Testing

/// What Caffe wrote and computed, from `Tests/Fixtures/caffe`.
enum Fixture {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/caffe")

  static func url(_ path: String) -> URL { folder.appending(path: path) }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: url(path), encoding: .utf8)
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: url(path)))
  }

  static func archive(_ path: String) throws -> NumPyArchive {
    try NumPyArchive(contentsOf: url(path))
  }
}

/// A folder that is gone when its user is.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "caffe-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// A file in the folder, with content if any is given.
  func file(_ name: String, _ content: [UInt8]? = nil) throws -> URL {
    let file = url.appending(path: name)
    if let content { try Data(content).write(to: file) }
    return file
  }
}
