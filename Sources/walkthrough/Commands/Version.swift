import ArgumentParser
import Fast
import Layers
import Reference
import Tuned

/// A version of the layers, by the name that `--version` takes. Each is faster than the one before.
enum Version: String, CaseIterable, Codable, Comparable {
  /// The loops of the formula.
  case reference
  /// The textbook: im2col and OpenBLAS.
  case fast
  /// What suits this processor best.
  case tuned

  /// The layers in `Float`; of a version with threads, on those of an engine.
  func backend(engine: Engine = .shared) -> any Backend<Float> {
    switch self {
    case .reference: ReferenceBackend<Float>()
    case .fast: FastBackend<Float>(engine: engine)
    case .tuned: TunedBackend(engine: engine, isExact: Self.isExact)
    }
  }

  /// The layers in `Double`; `nil` for a version that has them in `Float` only.
  func doubleBackend(engine: Engine = .shared) -> (any Backend<Double>)? {
    switch self {
    case .reference: ReferenceBackend<Double>()
    case .fast: FastBackend<Double>(engine: engine)
    case .tuned: nil
    }
  }

  /// At the beginning of a sentence.
  var title: String { rawValue.capitalized }

  static func < (a: Version, b: Version) -> Bool {
    (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
  }
}

extension Version: ExpressibleByArgument {}

/// The numbers that a command computes with.
enum Precision: String, CaseIterable, Codable, ExpressibleByArgument {
  case float, double
}

extension Version {
  /// Whether the command runs with `--exact`.
  @TaskLocal static var isExact = false
}

/// What a command takes that runs the tuned layers.
struct ExactOption: ParsableArguments {
  @Flag(
    help:
      "Keep tuned's convolutions to the definition's products: no minimal filtering (Winograd).")
  var exact = false

  /// Calls `body`, whose versions of the layers then keep to it.
  func callAsFunction<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Version.$isExact.withValue(exact, operation: body)
  }
}

/// Some versions, slow ones first: what a command takes whose `--version` may name several.
struct VersionList: Equatable {
  /// At least one, none twice.
  let versions: [Version]

  init(_ versions: Version...) {
    self.versions = versions
  }

  /// Reads names with commas between them, in any order.
  ///
  /// - Throws: `ValidationError` for a name that is unknown, missing or there twice.
  init(parsing text: String) throws {
    // The name of Reference and Fast together when there was no third.
    guard text != "both" else {
      versions = [.reference, .fast]
      return
    }
    var named: [Version] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let version = Version(rawValue: String(name)) else {
        let names = Version.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError(
          "\"\(name)\" is no version. There are \(names); write several with commas between them.")
      }
      guard !named.contains(version) else {
        throw ValidationError("\"\(name)\" is there twice; name each version once.")
      }
      named.append(version)
    }
    versions = named.sorted()
  }
}
