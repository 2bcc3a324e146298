import ArgumentParser
import Layers
import Networks

/// The networks that the commands know by name.
enum NetworkChoice: String, CaseIterable, ExpressibleByArgument {
  case caffenet
  case alexnet
  case mini

  /// The network, for images of `inputSize` rows and columns or of its own size.
  func definition(inputSize: Int? = nil, includeAccuracy: Bool = false) -> NetworkDefinition {
    switch self {
    case .caffenet:
      Networks.caffenet(inputSize: inputSize ?? 227, includeAccuracy: includeAccuracy)
    case .alexnet:
      Networks.alexnet(inputSize: inputSize ?? 227, includeAccuracy: includeAccuracy)
    case .mini: Networks.mini(inputSize: inputSize ?? 99, includeAccuracy: includeAccuracy)
    }
  }
}
