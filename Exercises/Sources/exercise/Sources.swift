import Foundation

/// The learner's code and the library's, as they stand in their files.
enum Sources {
  /// The package's root, which this program was built in.
  static let root: URL = {
    var root = URL(filePath: #filePath)
    for _ in 0..<4 { root.deleteLastPathComponent() }
    return root
  }()

  /// Both pieces of code, one below the other; nothing where the files aren't at hand.
  static func beside(_ exercise: Exercise) -> [String] {
    let folder =
      ProcessInfo.processInfo.environment["EXERCISES_FOLDER"] ?? "Sources/Exercises"
    let mine = "Exercises/\(folder)/\(exercise.file)"
    return [mine, exercise.twin].compactMap { $0 }.flatMap { path -> [String] in
      let code = functions(path)
      return code.isEmpty ? [] : ["", "\(path):", ""] + code.map { "    \($0)" }
    }
  }

  /// The passes in a file, without the comments above them: functions called `forward` or `backward`, those
  /// that compute a gradient, and functions outside of a type.
  private static func functions(_ path: String) -> [String] {
    guard let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8) else {
      return []
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var shown: [String] = []
    var index = 0
    while index < lines.count {
      let line = lines[index]
      guard line.contains("func "), line.hasSuffix("{") || line.hasSuffix("(") else {
        index += 1
        continue
      }
      let closing = String(line.prefix { $0 == " " }) + "}"
      let end = lines[index...].firstIndex(of: closing) ?? index
      let code = lines[index...end]
      // What the exercise gives only calls what the learner writes.
      if !line.contains("outputSize"), !line.contains("makeSaved") { shown += code + [""] }
      index = end + 1
    }
    return shown
  }
}
