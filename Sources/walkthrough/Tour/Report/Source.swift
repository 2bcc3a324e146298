import Layers

/// Where a layer stands in Reference and in Fast, by path from the package's root. What is quicker still,
/// in Tuned, isn't what one learns a layer from.
struct Source: Encodable, Sendable {
  /// `file:line`; without the line where the report is deterministic, as every edit would move it.
  var reference: String
  var fast: String
  /// The functions of each version; missing where the package's source isn't at hand, or the report
  /// is deterministic. `SourceTree.package` has their text.
  var referenceCode: Code?
  var fastCode: Code?

  /// The functions of one version, in its file and the files of its extensions.
  struct Code: Encodable, Sendable {
    /// What makes up the forward pass, the function of the contract first.
    var forward: [Passage]
    var backward: [Passage]
  }
}

/// Lines of a file, counted from 1, ends included.
struct Passage: Encodable, Equatable, Sendable {
  /// From the package's root, for example `Sources/Fast/Convolution.swift`.
  var file: String
  var first: Int
  var last: Int
}

/// A piece of a formula and the code that computes it.
struct FormulaPart: Encodable, Sendable {
  var text: String
  /// What it stands for; missing for signs between two pieces.
  var meaning: String?
  /// Missing where no single place computes it, and as in `Source`.
  var reference: Passage?
  var fast: Passage?
}
