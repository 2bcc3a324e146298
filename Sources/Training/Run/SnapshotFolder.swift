#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The snapshots of a run in a folder, one file for each iteration at which one was taken.
public struct SnapshotFolder: Sendable {
  /// The folder.
  public let url: URL

  /// A folder, which need not be there yet.
  public init(_ url: URL) {
    self.url = url
  }

  /// The file for an iteration: `snapshot_iter_<N>.npz`.
  ///
  /// - Complexity: O(length) of the path.
  public func file(iteration: Int) -> URL {
    url.appending(path: "\(Self.prefix)\(iteration)\(Self.suffix)")
  }

  /// What Caffe would call the `snapshot_prefix` of these files: the folder and `snapshot`.
  ///
  /// - Complexity: O(length) of the path.
  public var caffePrefix: String { url.appending(path: "snapshot").relativePath }

  /// The files there are, the newest iteration first. A folder or a pipe of such a name is none.
  ///
  /// - Complexity: O(n·log n) for n files in the folder.
  public var files: [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return
      names.compactMap { name in Self.iteration(of: name).map { ($0, url.appending(path: name)) } }
      .filter { Self.isFile($0.1) }
      .sorted { $0.0 > $1.0 }
      .map(\.1)
  }

  /// The newest snapshot that is whole, and what is wrong with those that are newer.
  ///
  /// - Parameter limit: the last iteration to look at; `nil` looks at all.
  /// - Throws: `SnapshotError` when there is none.
  /// - Complexity: O(length) of the snapshots that are read: the newest one, and those that turn
  ///   out damaged before a whole one is found.
  public func newest(notAfter limit: Int? = nil) throws(SnapshotError) -> Found {
    var damaged: [SnapshotError] = []
    for file in files {
      if let limit, let iteration = Self.iteration(of: file.lastPathComponent), iteration > limit {
        continue
      }
      do throws(SnapshotError) {
        return Found(snapshot: try Snapshot(contentsOf: file), file: file, damaged: damaged)
      } catch {
        damaged.append(error)
      }
    }
    let reasons = damaged.map { "\n  \($0)" }.joined()
    throw SnapshotError(
      path: url.relativePath, problem: "holds no whole snapshot_iter_<N>.npz" + reasons)
  }

  /// The snapshot of a file, or the newest whole one of a folder. Where a file is damaged, the
  /// newest whole one before it in its folder.
  ///
  /// - Throws: `SnapshotError` when there is none.
  /// - Complexity: As `newest(notAfter:)`.
  public static func newest(at url: URL) throws(SnapshotError) -> Found {
    var isFolder = false
    if let values = try? FileManager.default.attributesOfItem(atPath: url.path) {
      isFolder = values[.type] as? FileAttributeType == .typeDirectory
    } else {
      throw SnapshotError(path: url.relativePath, problem: "there is no such file or folder")
    }
    if isFolder { return try SnapshotFolder(url).newest() }
    do throws(SnapshotError) {
      return Found(snapshot: try Snapshot(contentsOf: url), file: url, damaged: [])
    } catch {
      guard let iteration = iteration(of: url.lastPathComponent) else { throw error }
      return try SnapshotFolder(url.deletingLastPathComponent()).newest(notAfter: iteration)
    }
  }

  /// Removes what was being written when a process was killed. No other process may be writing
  /// snapshots into this folder.
  ///
  /// - Complexity: O(files) in the folder.
  public func removeUnfinished() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    for name in names where name.hasPrefix(".\(Self.prefix)") && name.hasSuffix(".tmp") {
      try? FileManager.default.removeItem(at: url.appending(path: name))
    }
  }

  /// A whole snapshot.
  public struct Found: Sendable {
    /// Its content.
    public var snapshot: Snapshot
    /// Where it is.
    public var file: URL
    /// What is wrong with those that are newer.
    public var damaged: [SnapshotError]
  }

  /// Whether a name leads to a regular file, through links too.
  private static func isFile(_ url: URL) -> Bool {
    let path = url.resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.type] as? FileAttributeType == .typeRegular
  }

  private static var prefix: String { "snapshot_iter_" }
  private static var suffix: String { ".npz" }

  private static func iteration(of name: String) -> Int? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
    return Int(name.dropFirst(prefix.count).dropLast(suffix.count))
  }
}
