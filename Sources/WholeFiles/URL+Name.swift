#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension URL {
  /// The file of a name that a user gave, or that stands in a file.
  ///
  /// `URL(filePath:)` takes a `~` at the beginning for the home folder. But shells have replaced those
  /// that are meant so already: one that has come through is a part of the name.
  ///
  /// - Complexity: O(length) of the name.
  package init(fileNamed name: String) {
    self.init(filePath: name.utf8.first == UInt8(ascii: "~") ? "./" + name : name)
  }
}
