import ArgumentParser
import Datasets
import NetworkFiles
import Networks

/// The networks that the commands know by name.
typealias NetworkChoice = KnownNetwork

extension KnownNetwork: ExpressibleByArgument {
  /// Their names in a sentence of help.
  static let list = "caffenet, alexnet, mini or torchvision"
}

extension NetworkDefinition {
  /// What the classes of mini are called, which learns synthetic pictures; nil for other networks, and for
  /// other numbers of classes.
  var syntheticClassNames: [String]? {
    guard KnownNetwork(named: name) == .mini,
      (try? scoresShape().channels) == SyntheticImages.classNames.count
    else { return nil }
    return SyntheticImages.classNames
  }
}
