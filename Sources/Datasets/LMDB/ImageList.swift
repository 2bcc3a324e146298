import Tensors
import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Pictures with their labels: the list that Caffe's `convert_imageset` reads, a line for each.
///
/// ```
/// cats/tabby 1.jpg 0
/// dogs/pug.jpg 1
/// ```
///
/// The label stands behind the last space of a line. Empty lines are passed over.
public struct ImageList: Sendable, Equatable {
  /// A line.
  public struct Entry: Sendable, Equatable {
    /// The picture's file, relative to a folder that the list doesn't know.
    public var path: String
    /// The class.
    public var label: Int
    /// Its line in the list, counted from 1.
    public var line: Int
  }

  /// The lines.
  public var entries: [Entry]

  /// Reads a list.
  ///
  /// - Throws: `DatasetError` naming file and line when a line has no label, or no entry is there.
  /// - Complexity: O(length) of the file.
  public init(contentsOf url: URL) throws(DatasetError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try WholeFile.read(url, limit: 1 << 31)
    } catch {
      throw DatasetError(error.description)
    }
    entries = []
    for (index, line) in String(decoding: bytes, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
    {
      let text = line.trimmingCharacters(in: .whitespaces)
      guard !text.isEmpty else { continue }
      guard let space = text.lastIndex(where: \.isWhitespace),
        let label = Int32(text[text.index(after: space)...])
      else {
        throw DatasetError(
          "\(url.relativePath):\(index + 1): \"\(text)\" must be a file and, behind a space, its "
            + "label, a whole number")
      }
      let path = text[..<space].trimmingCharacters(in: .whitespaces)
      entries.append(Entry(path: path, label: Int(label), line: index + 1))
    }
    guard !entries.isEmpty else {
      throw DatasetError("\(url.relativePath): the list is empty")
    }
  }

  /// Brings the lines into an order drawn from a seed (Fisher and Yates).
  ///
  /// - Complexity: O(entries).
  public mutating func shuffle(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for last in entries.indices.dropFirst().reversed() {
      entries.swapAt(last, Int.random(in: 0...last, using: &random))
    }
  }
}
