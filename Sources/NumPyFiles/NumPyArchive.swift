import WholeFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Named arrays in one file, as `numpy.savez` and `numpy.savez_compressed` write them.
///
/// ```swift
/// let archive = try NumPyArchive(contentsOf: url)
/// let weights = archive["conv1_0"]?.tensor(as: Float.self)
/// ```
public struct NumPyArchive: Sendable, Equatable {
  /// The names in the order of the file, without the `.npy` of their members.
  public private(set) var names: [String] = []
  private var arrays: [String: NumPyArray] = [:]

  /// An archive of nothing yet.
  public init() {}

  /// Reads an `.npz` file: members stored or deflated, checksums verified, 64-bit sizes included.
  ///
  /// Memory stays within what the file's own length allows, whatever sizes it claims.
  ///
  /// - Throws: `FileError` naming the member when the file is unreadable, truncated, damaged, or
  ///   holds something other than `.npy` members.
  /// - Complexity: O(length) of the file and of what its members unpack to, both of which are in
  ///   memory.
  public init(contentsOf url: URL) throws(FileError) {
    try self.init(decoding: try contents(of: url), name: url.relativePath)
  }

  /// Reads the content of an `.npz` file.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - name: what error messages call it.
  /// - Throws: as `init(contentsOf:)`.
  /// - Complexity: as `init(contentsOf:)`.
  public init(decoding bytes: [UInt8], name: String = "archive") throws(FileError) {
    let zip = try ZipReader(bytes, place: FilePlace(file: name))
    try zip.requireMemory()
    for entry in zip.directory.entries where !entry.name.hasSuffix("/") {
      let place = FilePlace(file: name).member(entry.name)
      guard entry.name.hasSuffix(".npy") else {
        throw place.error("the member is no array", remedy: "its name would end in .npy")
      }
      let key = String(entry.name.dropLast(4))
      guard arrays[key] == nil else { throw place.error("the archive has this member twice") }
      names.append(key)
      arrays[key] = try NumPyArray(decoding: try zip.content(of: entry), place: place)
    }
  }

  /// The array of a name; nil where there is none. Assigning adds, replaces, or with nil removes.
  ///
  /// - Complexity: O(1) on average; O(arrays) to remove one.
  public subscript(name: String) -> NumPyArray? {
    get { arrays[name] }
    set {
      if arrays[name] == nil, newValue != nil { names.append(name) }
      if arrays[name] != nil, newValue == nil { names.removeAll { $0 == name } }
      arrays[name] = newValue
    }
  }
}

extension NumPyArchive {
  /// Writes an `.npz` file as `numpy.savez` does: stored members, 64-bit sizes where they are due.
  ///
  /// The same arrays give the same bytes (members are dated 1980). The file appears whole or not at
  /// all.
  ///
  /// - Throws: `FileError` when a name cannot be a member's or the file cannot be written.
  /// - Complexity: O(length) of the file; besides the arrays only names and headers take memory.
  public func write(to url: URL) throws(FileError) {
    let pieces = try pieces(place: FilePlace(file: url.relativePath))
    do {
      try WholeFile.write(pieces, to: url)
    } catch {
      throw FilePlace(file: url.relativePath).error(error.problem)
    }
  }

  /// The content of the file that `write(to:)` writes.
  ///
  /// - Throws: `FileError` when a name cannot be a member's.
  /// - Complexity: O(length) of the file.
  public func encoded() throws(FileError) -> [UInt8] {
    Array(try pieces(place: FilePlace(file: "archive")).joined())
  }

  /// The file in pieces, so that no second copy of the numbers is made.
  ///
  /// - Parameter limit: what a 32-bit field can say; a test lowers it to see 64-bit fields.
  func pieces(place: FilePlace, limit: Int = 0xFFFF_FFFE) throws(FileError) -> [[UInt8]] {
    var writer = ZipWriter(limit: limit)
    for name in names {
      guard let array = self[name] else { continue }
      let member = place.member(name + ".npy")
      guard !name.isEmpty, name.utf8.count <= 0xFFFF - 4, !name.utf8.contains(0),
        !name.hasPrefix("/"), !name.split(separator: "/").contains("..")
      else {
        // Who unpacks the archive would find the last two outside of the folder.
        throw member.error(
          "an array cannot have this name",
          remedy: "1 to 65,531 bytes, no NUL, no leading / and no part ..")
      }
      writer.add(name + ".npy", [try array.header(place: member), array.bytes])
    }
    return writer.finished()
  }
}
