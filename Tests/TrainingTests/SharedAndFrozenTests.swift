import Fast
import Layers
import Networks
import Tensors
import Testing
import Training

@Suite("Steps on parameters that are shared or frozen")
struct SharedAndFrozenTests {
  private func network(
    _ change: (inout NetworkDefinition) -> Void = { _ in }
  ) throws -> Network<Double> {
    var net = NetworkBuilder(name: "net", channels: 2, height: 2, width: 2)
    for name in ["a", "b"] {
      net.add(
        name, InnerProductSpecification(outputs: 3), net.data,
        parameters: [
          ParameterDefinition(filler: .msra(), name: "w"),
          ParameterDefinition(filler: .constant(1)),
        ])
    }
    let product = net.add("product", EltwiseSpecification(.product), "a", "b")
    net.softmaxWithLoss("loss", product)
    var definition = net.definition
    change(&definition)
    let network = try Network(definition, backend: FastBackend<Double>(), batch: 2)
    var generator = SplitMix64(seed: 4)
    try network.load(images: .normal(network.input.shape, using: &generator), labels: [0, 2])
    return network
  }

  private func solver(
    _ network: Network<Double>, limit: Float? = nil
  ) throws -> Solver<Double> {
    try Solver(
      SolverSpecification(
        baseLearningRate: 0.1, policy: .fixed, momentum: 0.9, weightDecay: 0.01,
        gradientNormLimit: limit),
      network: network, backend: FastBackend<Double>())
  }

  @Test("A shared parameter takes one step, by the sum of the gradients")
  func shared() throws {
    let network = try network()
    let before = network.parameters[0][0]
    try network.forward()
    network.backward()
    let gradient = network.parameterGradients[0][0]
    let solver = try solver(network)
    _ = try solver.step { _ in }
    for i in 0..<before.count {
      // Single precision of rate and decay.
      let expected =
        before[i] - Double(Float(0.1)) * (gradient[i] + Double(Float(0.01)) * before[i])
      #expect(abs(network.parameters[0][0][i] - expected) <= 1e-7)
    }
    #expect(network.parameters[0][0] == network.parameters[1][0])
    _ = try solver.step { _ in }
    #expect(network.parameters[0][0] == network.parameters[1][0])
  }

  @Test("A frozen parameter stays, and adds nothing to the norm that is limited")
  func frozen() throws {
    let frozen = try network { definition in
      definition.layers[0].parameters = [
        ParameterDefinition(filler: .msra(), learningRateMultiplier: 0),
        ParameterDefinition(learningRateMultiplier: 0),
      ]
      definition.layers[1].parameters[0].name = nil
    }
    let before = frozen.parameters
    try frozen.forward()
    frozen.backward()
    let norm = frozen.parameterGradients[1].reduce(0) { $0 + $1.squaredNorm }.squareRoot()
    let gradient = frozen.parameterGradients[1][1]
    let limit = Float(norm / 2)
    _ = try solver(frozen, limit: limit).step { _ in }
    #expect(frozen.parameters[0] == before[0])
    for i in 0..<gradient.count {
      let step = gradient[i] * Double(limit) / norm + Double(Float(0.01)) * before[1][1][i]
      #expect(
        abs(frozen.parameters[1][1][i] - (before[1][1][i] - Double(Float(0.1)) * step)) <= 1e-7)
    }
  }
}
