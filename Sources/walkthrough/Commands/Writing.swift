import ArgumentParser
import Foundation
import WholeFiles

/// What a command may write over.
///
/// A file that is there is replaced only where the command can see that it made it, or is told so.
struct Writing: ParsableArguments {
  @Flag(help: "Replace a file that is there, also one that this command didn't make.")
  var force = false

  /// How to see that a file was made by this program.
  enum Mark {
    /// A page: `PageFrame` begins it.
    case page
    /// A drawing: `SVG.document` begins it.
    case drawing
    /// An archive of blobs: its first array is named as `dump` names them.
    case blobs
    /// An archive of a run's filters: its first array is that of `FilterHistory`.
    case history

    /// Whether the beginning of a file has the mark.
    func isFound(in bytes: [UInt8]) -> Bool {
      let text = String(decoding: bytes, as: UTF8.self)
      switch self {
      case .page:
        return text.hasPrefix("<!doctype html>\n<html") && text.contains("Content-Security-Policy")
          && text.contains("sha256-")
      case .drawing:
        return text.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ")
          && text.contains("font-family=\"system-ui, sans-serif\" font-size=\"11\">\n<title>")
      case .blobs: return Self.begins(bytes, ["top/", "bottom_grad/", "param/", "param_grad/"])
      case .history: return Self.begins(bytes, ["iterations.npy"])
      }
    }

    /// Whether an archive's first member has a name that begins so.
    private static func begins(_ bytes: [UInt8], _ names: [String]) -> Bool {
      bytes.starts(with: [0x50, 0x4B, 0x03, 0x04])
        && names.contains { bytes.dropFirst(30).starts(with: $0.utf8) }
    }
  }

  /// Throws unless a file may and can be written, before any work is done for it.
  ///
  /// - Parameters:
  ///   - path: the file; `nil` is let pass.
  ///   - mark: how to see that it was made by this command; `nil` where that can't be seen.
  ///   - inputs: what the command reads. None of it is ever replaced, by no name.
  /// - Throws: `FileError` saying what to do instead.
  func check(_ path: String?, mark: Mark? = nil, inputs: [String?] = []) throws(FileError) {
    guard let path else { return }
    guard !path.isEmpty else {
      throw FileError(path: "\"\"", problem: "is no name: say where to write")
    }
    for input in inputs.compactMap({ $0 }) where Self.isSameFile(path, input) {
      throw FileError(
        path: path, problem: "is what is read (\(input)): give the output another name")
    }
    try WholeFile.requirePlace(for: URL(fileNamed: path))
    guard !force, Self.holdsSomething(path) else { return }
    if let mark, mark.isFound(in: Self.beginning(of: path)) { return }
    throw FileError(
      path: path,
      problem:
        "is there already, and was made by something else, or can't be told from that: choose "
        + "another name, or add --force to replace it")
  }

  /// The same for a file of known content: one that holds it already is let pass.
  func check(_ path: String, content: [UInt8]) throws(FileError) {
    guard !force, Self.holdsSomething(path) else { return }
    if let present = try? WholeFile.read(URL(fileNamed: path), limit: content.count),
      present == content
    {
      return
    }
    try check(path)
  }

  /// Throws where two files that a command writes would be one, by links too.
  ///
  /// - Parameter paths: the files; the folders that they lie in are there.
  /// - Throws: `FileError` naming both.
  static func requireApart(_ paths: [String]) throws(FileError) {
    var seen: [String: String] = [:]
    // What isn't a file, as /dev/null, may take both.
    for path in paths where facts(path).map({ $0.st_mode & S_IFMT == S_IFREG }) ?? true {
      if let other = seen.updateValue(path, forKey: place(of: path))
        ?? paths.prefix(while: { $0 != path }).first(where: { isSameFile($0, path) })
      {
        throw FileError(
          path: path, problem: "is written twice, as \(other) too: give one another name")
      }
    }
  }

  /// Where a file lies, links resolved as far as there is something.
  private static func place(of path: String) -> String {
    let url = URL(fileNamed: path)
    func resolved(_ url: URL) -> String? {
      guard let name = realpath(url.path, nil) else { return nil }
      defer { free(name) }
      return String(cString: name)
    }
    if let whole = resolved(url) { return whole }
    return (resolved(url.deletingLastPathComponent()) ?? "") + "/" + url.lastPathComponent
  }

  /// Whether two names lead to one file, by links too.
  static func isSameFile(_ first: String, _ second: String) -> Bool {
    guard let first = facts(first), let second = facts(second) else { return false }
    // What everybody may write to at once, as /dev/null, is no file.
    guard [S_IFREG, S_IFDIR].contains(first.st_mode & S_IFMT) else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// Whether a name leads to a regular file that isn't empty. Standard output by its name counts as none:
  /// it is written where it stands, whatever it is.
  private static func holdsSomething(_ path: String) -> Bool {
    guard WholeFile.descriptor(named: path) == nil, let facts = facts(path) else { return false }
    return facts.st_mode & S_IFMT == S_IFREG && facts.st_size > 0
  }

  private static func facts(_ path: String) -> stat? {
    var facts = stat()
    return stat(URL(fileNamed: path).path, &facts) == 0 ? facts : nil
  }

  private static func beginning(of path: String) -> [UInt8] {
    guard let file = try? FileHandle(forReadingFrom: URL(fileNamed: path)) else { return [] }
    defer { try? file.close() }
    return (try? file.read(upToCount: 2048)).map { [UInt8]($0) } ?? []
  }
}
