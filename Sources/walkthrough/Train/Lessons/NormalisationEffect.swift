import Foundation
import Layers
import Networks
import Tensors

/// What a layer of local response normalisation did to its input.
struct NormalisationEffect: Equatable {
  /// The layer's name.
  var layer: String
  /// The root mean square of its input.
  var size: Double
  /// What it divided by: in the mean of all values that aren't 0, weighted by their size, and the
  /// most.
  var meanDivisor: Double
  var greatestDivisor: Double

  /// Compares what went into a layer with what came out.
  init(layer: String, input: Tensor<Float>, output: Tensor<Float>) {
    self.layer = layer
    var (sizes, normalised, greatest) = (0.0, 0.0, 1.0)
    for (before, after) in zip(input.elements, output.elements) where after != 0 {
      sizes += Double(abs(before))
      normalised += Double(abs(after))
      greatest = max(greatest, Double(before / after))
    }
    size = (input.squaredNorm / Double(max(input.count, 1))).squareRoot()
    meanDivisor = normalised == 0 ? 1 : sizes / normalised
    greatestDivisor = greatest
  }

  /// The effects of a network's LRN layers in its last forward pass.
  static func all(in network: Network<Float>) -> [NormalisationEffect] {
    network.definition.layers.compactMap { layer in
      guard layer.specification is LRNSpecification, let bottom = layer.bottoms.first,
        let input = network.blob(bottom), let output = network.blob(layer.top)
      else { return nil }
      return NormalisationEffect(layer: layer.name, input: input, output: output)
    }
  }
}
