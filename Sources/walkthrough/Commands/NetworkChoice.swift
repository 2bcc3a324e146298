import ArgumentParser
import Layers
import Networks

/// The networks that the commands know by name.
enum NetworkChoice: String, CaseIterable, ExpressibleByArgument {
  case caffenet
  case alexnet
  case mini

  /// The network, for images of `inputSize` rows and columns or of its own size.
  func definition(inputSize: Int? = nil) -> NetworkDefinition {
    switch (self, inputSize) {
    case (.caffenet, let size?): Networks.caffenet(inputSize: size)
    case (.caffenet, nil): Networks.caffenet()
    case (.alexnet, let size?): Networks.alexnet(inputSize: size)
    case (.alexnet, nil): Networks.alexnet()
    case (.mini, let size?): Networks.mini(inputSize: size)
    case (.mini, nil): Networks.mini()
    }
  }
}
