import Foundation

/// Where things are on this machine.
enum PackageFolder {
  /// The package's root.
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The folder of the build that the running tests belong to: programs and modules lie there.
  static let build: URL = {
    let arguments = ProcessInfo.processInfo.arguments
    let option = arguments.firstIndex(of: "--test-bundle-path").map { $0 + 1 }
    let bundle = option.flatMap { arguments.indices.contains($0) ? arguments[$0] : nil }
    let tests = bundle.map { URL(filePath: $0) } ?? Bundle.main.executableURL
    return (tests ?? URL(filePath: arguments[0])).resolvingSymlinksInPath()
      .deletingLastPathComponent()
  }()

  /// What a file of the package holds.
  static func contents(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// Whether the package has a file or folder.
  static func contains(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  /// The package's files with a suffix, by name; hidden folders and fixtures aside.
  static func paths(withSuffix suffix: String) -> [String] {
    let files = FileManager.default.enumerator(
      at: root, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
    let prefix = root.path + (root.path.hasSuffix("/") ? "" : "/")
    return (files?.compactMap { ($0 as? URL)?.path } ?? [])
      .filter { $0.hasSuffix(suffix) && $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
      .filter { !$0.hasPrefix("Tests/Fixtures/") && !$0.hasPrefix("Exercises/Trial.") }
      .sorted()
  }
}
