import Datasets
import Networks

/// The networks that have a name of their own here, and the pictures that they take.
package enum KnownNetwork: String, CaseIterable, Codable, Sendable {
  case caffenet
  case alexnet
  case mini
  case torchvision

  /// The network, for images of `inputSize` rows and columns or of its own size.
  package func definition(
    inputSize: Int? = nil, classes: Int? = nil, includeAccuracy: Bool = false
  ) -> NetworkDefinition {
    switch self {
    case .caffenet:
      Networks.caffenet(
        inputSize: inputSize ?? 227, classes: classes ?? 1000, includeAccuracy: includeAccuracy)
    case .alexnet:
      Networks.alexnet(
        inputSize: inputSize ?? 227, classes: classes ?? 1000, includeAccuracy: includeAccuracy)
    case .mini:
      Networks.mini(
        inputSize: inputSize ?? 99, classes: classes ?? 10, includeAccuracy: includeAccuracy)
    case .torchvision:
      Networks.torchvision(
        inputSize: inputSize ?? 224, classes: classes ?? 1000, includeAccuracy: includeAccuracy)
    }
  }

  /// What becomes of a picture on its way into the network.
  package var transformer: DataTransformer {
    switch self {
    case .caffenet, .alexnet: .caffenet
    case .mini:
      DataTransformer(cropSize: 99, mean: DataTransformer.caffenet.mean, scale: miniPixelScale)
    case .torchvision: .torchvision
    }
  }

  /// Of which network a definition is, told by its name.
  package init?(named name: String) {
    guard let network = Self.allCases.first(where: { $0.definition().name == name }) else {
      return nil
    }
    self = network
  }

  /// What a tensor of the network is called in files that name tensors: PyTorch's names for torchvision's
  /// network, Caffe's layers and the numbers of their blobs for the others.
  package static func tensorName(layer: String, number: Int, of network: Self?) -> String {
    network == .torchvision && number < 2
      ? "\(layer).\(["weight", "bias"][number])" : "\(layer)_\(number)"
  }
}

extension DataTransformer {
  /// What it makes of pictures, in the words of the entry `input` of a safetensors file.
  package var inputDescription: String {
    func list(_ numbers: [Float]) -> String {
      numbers.map { $0.rounded() == $0 ? "\(Int($0))" : "\($0)" }.joined(separator: ",")
    }
    if let normalisation {
      return "RGB 0..1 minus \(list(normalisation.mean)) over \(list(normalisation.deviation))"
    }
    var text = "BGR 0..255"
    switch mean {
    case .none: break
    case .perChannel(let means): text += " minus \(list(means))"
    case .image: text += " minus a mean image"
    }
    return scale == 1 ? text : "\(text) times \(scale)"
  }

  /// How it prepares a picture, for a reader.
  package var summary: String {
    let size = cropSize.map { "\($0)×\($0)" } ?? "all"
    let resizing =
      normalisation == nil
      ? "squeezed to \(recordSide)×\(recordSide)" : "the shorter side resized to \(recordSide)"
    return "\(resizing), the middle \(size) of it, \(inputDescription)"
  }
}
