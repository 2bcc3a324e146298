import ArgumentParser
import Foundation
import WholeFiles

/// What classes are called, from a file with a line for each, as Caffe's `synset_words.txt`.
enum ClassNames {
  /// The help of an option for such a file.
  static let help: ArgumentHelp =
    "The names of the classes, a line for each, for example synset_words.txt."

  /// Reads the names, in the order of the classes.
  ///
  /// Where every line begins with an id of WordNet, as `n01440764 tench, Tinca tinca`, the names
  /// are what stands behind it. Empty lines at the end are no names.
  ///
  /// - Throws: `FileError` for a file that can't be read.
  static func read(_ path: String) throws(FileError) -> [String] {
    let bytes = try WholeFile.read(URL(filePath: path), limit: 1 << 26)
    var lines = String(decoding: bytes, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    while lines.last?.isEmpty == true { lines.removeLast() }
    let names = lines.compactMap(nameBehindID)
    return names.count == lines.count ? names : lines
  }

  /// What stands behind an id: `n` and eight digits. `nil` where there is none.
  private static func nameBehindID(_ line: String) -> String? {
    let parts = line.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].count == 9, parts[0].first == "n",
      parts[0].dropFirst().allSatisfy({ ("0"..."9").contains($0) })
    else { return nil }
    return String(parts[1])
  }
}
