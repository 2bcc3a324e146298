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
  public func file(iteration: Int) -> URL {
    url.appending(path: "\(Self.prefix)\(iteration)\(Self.suffix)")
  }

  /// The files there are, the newest iteration first.
  public var files: [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return
      names.compactMap { name in Self.iteration(of: name).map { ($0, name) } }
      .sorted { $0.0 > $1.0 }
      .map { url.appending(path: $0.1) }
  }

  /// The newest snapshot that is whole, and what is wrong with those that are newer.
  ///
  /// - Throws: `SnapshotError` when there is none.
  public func newest() throws(SnapshotError) -> (
    snapshot: Snapshot, file: URL, damaged: [SnapshotError]
  ) {
    var damaged: [SnapshotError] = []
    for file in files {
      do throws(SnapshotError) {
        return (try Snapshot(contentsOf: file), file, damaged)
      } catch {
        damaged.append(error)
      }
    }
    let reasons = damaged.map { "\n  \($0)" }.joined()
    throw SnapshotError(
      path: url.relativePath, problem: "holds no whole snapshot_iter_<N>.npz" + reasons)
  }

  private static var prefix: String { "snapshot_iter_" }
  private static var suffix: String { ".npz" }

  private static func iteration(of name: String) -> Int? {
    guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
    return Int(name.dropFirst(prefix.count).dropLast(suffix.count))
  }
}
