/// Something in a `.prototxt` that would go wrong in training or comparing.
public struct LintFinding: Hashable, Sendable, CustomStringConvertible {
  /// What a network is looked through for.
  public enum Rule: String, Hashable, Sendable, CaseIterable, Comparable {
    /// A layer of weights without a filler starts at 0.
    case noFiller = "no-filler"
    /// Pictures are mirrored at random where the network is measured.
    case mirrorInTest = "mirror-in-test"
    /// A layer of weights has the name that pycaffe makes up.
    case automaticName = "automatic-name"
    /// Two layers of weights have one name.
    case sameName = "same-name"
    /// A bias learns as a weight does.
    case biasLearning = "bias-learning"
    /// A blob that nobody reads.
    case unreadBlob = "unread-blob"
    /// Blobs and layers that don't fit together.
    case shape = "shape"
    /// A type of layer that this project doesn't have.
    case type
    /// A pooling whose windows don't divide its input.
    case poolRounding = "pool-rounding"
    /// Nothing wrong: a part of the network that could not be looked into, and why.
    case notSeen = "not-seen"

    /// In the order above.
    public static func < (first: Rule, second: Rule) -> Bool {
      (allCases.firstIndex(of: first) ?? 0) < (allCases.firstIndex(of: second) ?? 0)
    }
  }

  /// What it was looked through for.
  public var rule: Rule
  /// The file.
  public var file: String
  /// Where in it; `nil` where no single place is to blame.
  public var position: TextPosition?
  /// What was found.
  public var message: String
  /// Why that goes wrong, and what helps.
  public var reason: String

  /// For example `net.prototxt:12:3: layer "conv1" has no weight_filler [no-filler]`, then the
  /// reason on a line of its own.
  ///
  /// - Complexity: O(length) of the text.
  public var description: String {
    let place = position.map { ":\($0)" } ?? ""
    return "\(file)\(place): \(message) [\(rule.rawValue)]\n    \(reason)"
  }
}
