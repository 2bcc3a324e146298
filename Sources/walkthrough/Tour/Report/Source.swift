/// Where a layer's two versions stand, by path from the package's root.
struct Source: Encodable, Sendable {
  /// `file:line`; without the line where the report is deterministic, as every edit would move it.
  var reference: String
  var fast: String
  /// The lines; missing where the package's source isn't at hand, or the report is deterministic.
  var referenceCode: Code?
  var fastCode: Code?

  /// A version's file.
  struct Code: Encodable, Sendable {
    var file: String
    /// The functions that make up the forward and the backward pass.
    var forward: LineRange
    var backward: LineRange?
    /// The whole file, line by line. Not in JSON.
    var lines: [String]

    private enum CodingKeys: String, CodingKey {
      case file, forward, backward
    }
  }
}

/// Lines of a file, counted from 1, ends included.
struct LineRange: Encodable, Equatable, Sendable {
  var first: Int
  var last: Int
}

/// A piece of a formula and the code that computes it.
struct FormulaPart: Encodable, Sendable {
  var text: String
  /// What it stands for; missing for signs between two pieces.
  var meaning: String?
  /// Missing where no single place computes it, or as in `Source`.
  var referenceLines: LineRange?
  var fastLines: LineRange?
}
