import Foundation

/// A file of `Tests/Fixtures`, found beside this source file.
func fixture(_ path: String) -> URL {
  URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures").appending(path: path)
}
