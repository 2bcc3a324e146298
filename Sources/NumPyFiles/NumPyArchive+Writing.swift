import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension NumPyArchive {
  /// Writes an `.npz` file as `numpy.savez` does: stored members, 64-bit sizes where they are due.
  ///
  /// The same arrays give the same bytes (members are dated 1980). The file appears whole or not at
  /// all.
  ///
  /// - Throws: `NumPyError` when a name cannot be a member's or the file cannot be written.
  /// - Complexity: O(length) of the file; besides the arrays only names and headers take memory.
  public func write(to url: URL) throws(NumPyError) {
    let pieces = try pieces(place: Place(file: url.relativePath))
    do {
      try WholeFile.write(pieces, to: url)
    } catch {
      throw Place(file: url.relativePath).error(error.problem)
    }
  }

  /// The content of the file that `write(to:)` writes.
  ///
  /// - Throws: `NumPyError` when a name cannot be a member's.
  /// - Complexity: O(length) of the file.
  public func encoded() throws(NumPyError) -> [UInt8] {
    Array(try pieces(place: Place(file: "archive")).joined())
  }

  /// The file in pieces, so that no second copy of the numbers is made.
  ///
  /// - Parameter limit: what a 32-bit field can say; a test lowers it to see 64-bit fields.
  func pieces(place: Place, limit: Int = 0xFFFF_FFFE) throws(NumPyError) -> [[UInt8]] {
    var writer = ZipWriter(limit: limit)
    for name in names {
      guard let array = self[name] else { continue }
      let member = Place(file: place.file, member: name + ".npy")
      guard !name.isEmpty, name.utf8.count <= 0xFFFF - 4, !name.utf8.contains(0),
        !name.hasPrefix("/")
      else {
        throw member.error(
          "an array cannot have this name", remedy: "1 to 65,531 bytes, no NUL, no leading /")
      }
      writer.add(name + ".npy", [try array.header(place: member), array.bytes])
    }
    return writer.finished()
  }
}
