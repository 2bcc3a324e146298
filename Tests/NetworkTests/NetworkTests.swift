import Fast
import Layers
import Networks
import Reference
import Tensors
import Testing

/// One inner product read by two losses, one of them behind a ReLU.
private func branchingNetwork(second: Bool) -> NetworkDefinition {
  var net = NetworkBuilder(name: "branches", channels: 2, height: 3, width: 3)
  let fc = net.add(
    "fc", InnerProductSpecification(outputs: 4), net.data,
    parameters: [ParameterDefinition(filler: .msra())])
  let relu = net.add("relu", ReLUSpecification(), fc)
  net.add("loss1", SoftmaxWithLossSpecification(), relu, net.label)
  if second { net.add("loss2", SoftmaxWithLossSpecification(lossWeight: 3), fc, net.label) }
  return net.definition
}

private func load<Scalar>(_ network: Network<Scalar>, seed: UInt64 = 3) throws {
  var generator = SplitMix64(seed: seed)
  let images = Tensor<Scalar>.normal(network.input.shape, using: &generator)
  try network.load(images: images, labels: (0..<network.input.shape.images).map { $0 % 4 })
}

@Suite("Running networks")
struct NetworkTests {
  @Test("a blob that two layers read collects both gradients")
  func branches() throws {
    let network = try Network(
      branchingNetwork(second: true), backend: ReferenceBackend<Double>(), batch: 2,
      gradients: .parametersAndInput)
    try load(network)
    let loss = try network.forward()
    network.backward()
    let losses = (try #require(network.results["loss1"]), try #require(network.results["loss2"]))
    #expect(losses.0 + 3 * losses.1 == loss)

    // The same gradient by a difference quotient along one weight. The step balances truncation
    // (1e-10 relative) and rounding (1e-16 / 1e-5): 1e-9 leaves room for both.
    let analytic = network.parameterGradients[0][0][5]
    let step = 1e-5
    let start = network.parameters[0][0][5]
    network.parameters[0][0][5] = start + step
    let above = try network.forward()
    network.parameters[0][0][5] = start - step
    let below = try network.forward()
    #expect(abs((above - below) / (2 * step) - analytic) <= 1e-9)

    // Without the second loss the gradient is another one: the sum above has two parts.
    let single = try Network(
      branchingNetwork(second: false), backend: ReferenceBackend<Double>(), batch: 2,
      parameters: network.parameters.dropLast().map { $0 })
    single.parameters[0][0][5] = start
    try load(single)
    try single.forward()
    single.backward()
    #expect(abs(single.parameterGradients[0][0][5] - analytic) > 1e-3)
  }

  @Test("backwards again gives the same bits, accumulating adds them")
  func accumulating() throws {
    let network = try Network(mini(), backend: FastBackend<Float>(), batch: 2)
    var generator = SplitMix64(seed: 3)
    try network.load(
      images: .normal(network.input.shape, deviation: 50, using: &generator), labels: [1, 2])
    try network.forward()
    network.backward()
    let once = network.parameterGradients
    network.backward()
    #expect(network.parameterGradients == once)
    network.backward(accumulating: true)
    for (twice, once) in zip(network.parameterGradients.joined(), once.joined()) {
      // g + g is exact; the passes add their partial sums in another order where there are several.
      let doubled = Tensor(once.shape, once.elements.map { 2 * $0 })
      #expect(twice.largestDifference(to: doubled) <= 1e-6 * doubled.largestMagnitude)
    }
  }

  @Test("forgetting the gradients of blobs changes no gradient of a parameter")
  func forgetting() throws {
    let keeping = try Network(
      mini(), backend: FastBackend<Float>(), batch: 2, gradients: .parametersAndInput)
    let forgetting = try Network(
      mini(), backend: FastBackend<Float>(), batch: 2, gradients: .parametersAndInput,
      parameters: keeping.parameters, keepingGradients: false)
    var generator = SplitMix64(seed: 3)
    let images = Tensor<Float>.normal(keeping.input.shape, deviation: 50, using: &generator)
    for _ in 0..<2 {
      for network in [keeping, forgetting] {
        try network.load(images: images, labels: [1, 2])
        try network.forward()
        network.backward()
      }
      #expect(keeping.parameterGradients == forgetting.parameterGradients)
    }
    #expect(keeping.gradient(of: "conv2") != nil && forgetting.gradient(of: "conv2") == nil)
  }

  @Test("the same seed gives the same parameters and masks, another seed others")
  func seeds() throws {
    func run(seed: UInt32) throws -> (Float, [[Tensor<Float>]]) {
      let network = try Network(mini(), backend: FastBackend<Float>(), seed: seed)
      var generator = SplitMix64(seed: 1)
      try network.load(
        images: .normal(network.input.shape, deviation: 50, using: &generator), labels: [1])
      return (try network.forward(), network.parameters)
    }
    let (first, again, other) = (try run(seed: 1), try run(seed: 1), try run(seed: 2))
    #expect(first.0 == again.0 && first.1 == again.1)
    #expect(first.0 != other.0 && first.1 != other.1)
  }

  @Test("in testing, dropout changes nothing and draws nothing")
  func testing() throws {
    let network = try Network(
      mini(), backend: FastBackend<Float>(), gradients: .none, phase: .testing)
    var generator = SplitMix64(seed: 1)
    try network.load(
      images: .normal(network.input.shape, deviation: 50, using: &generator), labels: [1])
    let before = network.context
    let first = try network.forward()
    #expect(try network.forward() == first)
    #expect(network.context == before)
    #expect(network.parameterGradients.isEmpty)
  }

  @Test("the images' gradient is computed only when asked for")
  func inputGradient() throws {
    let without = try Network(mini(), backend: FastBackend<Float>())
    let with = try Network(mini(), backend: FastBackend<Float>(), gradients: .parametersAndInput)
    #expect(without.gradient(of: "data") == nil)
    #expect(with.gradient(of: "data")?.shape == Shape(1, 3, 99, 99))
  }
}
