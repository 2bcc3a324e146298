import Datasets
import Foundation

/// A file of `Tests/Fixtures`, found beside this source file.
func fixture(_ path: String) -> URL {
  URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures").appending(path: path)
}

/// A picture of `Tests/Fixtures/pictures`.
func picture(_ name: String) throws -> Picture {
  try Picture(contentsOf: fixture("pictures/\(name)"))
}

/// The greatest difference of two pictures of one size, in steps of 255.
func largestDifference(_ a: Picture, _ b: Picture) -> Int {
  zip(a.bytes, b.bytes).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
}
