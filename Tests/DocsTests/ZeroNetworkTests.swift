import Fast
import Foundation
import Networks
import Tensors
import Testing

@Suite("A network without fillers, as chapter 15 says")
struct ZeroNetworkTests {
  @Test("gives every class the same probability, and only its last bias has a gradient")
  func zeros() throws {
    var definition = mini(classes: 1000)
    for index in definition.layers.indices {
      definition.layers[index].parameters = definition.layers[index].parameters.map { _ in
        ParameterDefinition(filler: .constant(0))
      }
    }
    let network = try Network(definition, backend: FastBackend<Double>(), batch: 2)
    var generator = SplitMix64(seed: 1)
    try network.load(
      images: .normal(network.input.shape, deviation: 50, using: &generator), labels: [7, 400])
    // One logarithm and a sum of 1000 equal numbers: a few roundings.
    #expect(abs(try network.forward() - log(1000)) <= 1e-12)
    network.backward()
    let last = try definition.index(of: "fc8")
    for (index, gradients) in network.parameterGradients.enumerated() {
      for (number, gradient) in gradients.enumerated() {
        let moves = gradient.elements.contains { $0 != 0 }
        #expect(moves == (index == last && number == 1), "\(definition.layers[index].name)")
      }
    }
  }
}
