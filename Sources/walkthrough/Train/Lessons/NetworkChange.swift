import Layers
import Networks

/// What a lesson changes in a network to show what it is good for.
enum NetworkChange: String, Codable, CaseIterable {
  case none
  /// Every weight and bias starts at 0, as in a prototxt that names no fillers.
  case zeroWeights
  case withoutLRN
  /// α of LRN is Caffe's default, 1, in place of AlexNet's 10⁻⁴.
  case strongLRN
  case withoutDropout
  /// Hyperbolic tangents in place of ReLUs, with first weights that suit them, and no dropout, which could
  /// not work in place behind them.
  case tanhWithoutDropout
  /// No convolution is split into groups.
  case withoutGroups

  /// A network with the change.
  func applied(to network: NetworkDefinition) -> NetworkDefinition {
    var network = network
    switch self {
    case .none: break
    case .zeroWeights:
      for layer in network.layers.indices {
        for parameter in network.layers[layer].parameters.indices {
          network.layers[layer].parameters[parameter].filler = .constant(0)
        }
      }
    case .withoutLRN:
      network.removeLayers { $0 is LRNSpecification }
    case .withoutDropout:
      network.removeLayers { $0 is DropoutSpecification }
    case .tanhWithoutDropout:
      network = Self.withoutDropout.applied(to: network)
      for index in network.layers.indices {
        if network.layers[index].specification is ReLUSpecification {
          network.layers[index].specification = TanHSpecification()
        }
        for parameter in network.layers[index].parameters.indices
        where network.layers[index].parameters[parameter].filler == .msra() {
          network.layers[index].parameters[parameter].filler = .xavier()
        }
      }
    case .strongLRN:
      for index in network.layers.indices {
        if var lrn = network.layers[index].specification as? LRNSpecification {
          lrn.alpha = LRNSpecification().alpha
          network.layers[index].specification = lrn
        }
      }
    case .withoutGroups:
      for index in network.layers.indices {
        if var convolution = network.layers[index].specification as? ConvolutionSpecification {
          convolution.group = 1
          network.layers[index].specification = convolution
        }
      }
    }
    return network
  }
}

extension NetworkDefinition {
  /// Removes layers; whoever read their top reads their bottom instead.
  fileprivate mutating func removeLayers(where isRemoved: (any LayerSpecification) -> Bool) {
    var kept: [LayerDefinition] = []
    var renamed: [String: String] = [:]
    for var layer in layers {
      layer.bottoms = layer.bottoms.map { renamed[$0] ?? $0 }
      if isRemoved(layer.specification), let bottom = layer.bottoms.first {
        if layer.top != bottom { renamed[layer.top] = bottom }
      } else {
        if let top = renamed[layer.top] { layer.top = top }
        kept.append(layer)
      }
    }
    layers = kept
  }
}
