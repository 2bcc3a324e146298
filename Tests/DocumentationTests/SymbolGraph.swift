import Foundation

/// The public declarations of a module, as the compiler lists them for documentation.
struct SymbolGraph: Decodable {
  let symbols: [Symbol]
  let relationships: [Relationship]

  /// A public declaration.
  struct Symbol: Decodable {
    let pathComponents: [String]
    let kind: Kind
    let identifier: Identifier
    let docComment: Comment?
    let declarationFragments: [Fragment]?
    let location: Location?

    /// For example `Tensor.fill(with:)`.
    var name: String { pathComponents.joined(separator: ".") }

    /// The file in which it is declared; `nil` for what another package declares.
    var path: String? {
      let parts = location?.uri.split(separator: "/Sources/")
      return parts?.last.map { "Sources/\($0)" }.flatMap { PackageFolder.contains($0) ? $0 : nil }
    }

    /// Where it is declared.
    var place: String { path.map { "\($0):\((location?.position.line ?? 0) + 1)" } ?? "" }

    /// The lines of its comment.
    var comment: [String] { docComment?.lines.map(\.text) ?? [] }

    /// Whether it can throw; that a closure in its parameters may do so is left aside.
    var throwsErrors: Bool {
      guard kind.identifier != "swift.typealias" else { return false }
      var depth = 0
      for fragment in declarationFragments ?? [] {
        if fragment.spelling == "throws", depth == 0 { return true }
        for character in fragment.spelling {
          if character == "(" { depth += 1 }
          if character == ")" { depth -= 1 }
        }
      }
      return false
    }
  }

  /// What connects two declarations.
  struct Relationship: Decodable {
    let source: String
    let target: String
    let kind: String
    let sourceOrigin: Origin?

    /// The declaration of another module that something comes from.
    struct Origin: Decodable {
      let identifier: String
    }
  }

  struct Kind: Decodable {
    let identifier: String
  }

  struct Identifier: Decodable {
    let precise: String
  }

  struct Comment: Decodable {
    let lines: [Line]

    struct Line: Decodable {
      let text: String
    }
  }

  struct Fragment: Decodable {
    let kind: String
    let spelling: String
  }

  struct Location: Decodable {
    let uri: String
    let position: Position

    /// Counted from 0.
    struct Position: Decodable {
      let line: Int
      let character: Int
    }
  }
}

extension SymbolGraph {
  /// The modules of the product `AlexNet`, as Package.swift lists them; generated messages aside.
  static let modules: [String] = {
    let manifest = try? PackageFolder.contents("Package.swift")
    let list = manifest?.firstMatch(of: /let libraries = \[([^\]]*)\]/)?.output.1 ?? ""
    return list.matches(of: /"(\w+)"/).map { String($0.output.1) }
      .filter { !$0.hasSuffix("Messages") }
  }()

  /// The graphs of all modules, by module.
  static let all = Result {
    try Dictionary(uniqueKeysWithValues: modules.map { ($0, try extract($0)) })
  }

  /// What the compiler has written down of a module beside the tests that are running.
  private static func extract(_ module: String) throws -> [SymbolGraph] {
    let output = FileManager.default.temporaryDirectory.appending(path: "symbols-\(UUID())")
    try FileManager.default.createDirectory(at: output, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: output) }
    // The build's folder is <scratch>/<target>/<configuration>.
    let build = PackageFolder.build
    let target = build.deletingLastPathComponent().lastPathComponent
    let headers = try run(["pkg-config", "--cflags", "openblas"])
      .split { $0.isWhitespace }.map(String.init)
    let forC = moduleMaps().map { "-fmodule-map-file=\($0)" } + headers
    var command = ["swift", "symbolgraph-extract", "-module-name", module, "-target", target]
    command += ["-I", build.appending(path: "Modules").path, "-output-dir", output.path]
    command += ["-minimum-access-level", "public", "-skip-synthesized-members"]
    command += forC.flatMap { ["-Xcc", $0] }
    let errors = try run(command)
    let files = try FileManager.default.contentsOfDirectory(
      at: output, includingPropertiesForKeys: nil)
    guard !files.isEmpty else { throw MissingGraph(module: module, errors: errors) }
    return try files.map { try JSONDecoder().decode(SymbolGraph.self, from: Data(contentsOf: $0)) }
  }

  struct MissingGraph: Error {
    let module: String
    let errors: String
  }

  /// The C modules that Swift modules import, here and in the packages that this one depends on.
  private static func moduleMaps() -> [String] {
    let folders = [
      PackageFolder.root.appending(path: "Sources"),
      // The one module of this package that has code in C: the build writes its map.
      PackageFolder.build.appending(path: "CTrainedMini.build"),
      PackageFolder.build.deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "checkouts/swift-numerics/Sources"),
    ]
    return folders.flatMap { folder in
      (FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?
        .compactMap { ($0 as? URL)?.path } ?? []).filter { $0.hasSuffix("/module.modulemap") }
    }
  }

  /// What a command prints, errors included.
  private static func run(_ words: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
