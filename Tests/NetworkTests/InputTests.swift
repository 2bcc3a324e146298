import Layers
import Networks
import Reference
import Tensors
import Testing

/// Two heads on inputs of their own, one of which shows its probabilities, with labels in a blob.
private func twoHeads() -> NetworkDefinition {
  var net = NetworkDefinition(name: "two", imageShape: [3])
  net.otherInputs = [
    InputDefinition(name: "more", dimensions: [2, 4]),
    InputDefinition(name: "classes", dimensions: [2]),
  ]
  net.layers = [
    LayerDefinition(
      name: "loss", specification: SoftmaxWithLossSpecification(), bottoms: ["data", "label"],
      top: "loss",
      probabilities: "prob"),
    LayerDefinition(
      name: "loss2", specification: SoftmaxWithLossSpecification(lossWeight: 2),
      bottoms: ["more", "classes"], top: "loss2"),
    LayerDefinition(
      name: "accuracy", specification: AccuracySpecification(), bottoms: ["prob", "label"],
      top: "accuracy"),
  ]
  return net
}

private func network() throws -> Network<Double> {
  let network = try Network(
    twoHeads(), backend: ReferenceBackend<Double>(), batch: 2, gradients: .parametersAndInput)
  try network.load(images: Tensor(Shape(2, 3), [1, 2, 3, 3, 2, 1]), labels: [2, 1])
  try network.load(Tensor(Shape(2, 4), [0, 0, 0, 9, 0, 1, 0, 0]), into: "more")
  try network.load(Tensor(Shape(2), [3, 1.5]), into: "classes")
  return network
}

@Suite("Networks with several inputs")
struct InputTests {
  @Test("take labels from a blob, their fractions cut off, and show probabilities")
  func running() throws {
    let network = try network()
    try network.forward()
    network.backward()
    let probabilities = try #require(network.blob("prob"))
    let first = network.blob("data").map { $0.elements.prefix(3).map { Double.exp($0) } } ?? []
    #expect(abs(probabilities[2] - first[2] / first.reduce(0, +)) < 1e-15)
    #expect(network.results["accuracy"] == 0.5)
    // (p − onehot)·weight / images, with class 1 at the second image.
    let gradient = try #require(network.gradient(of: "more"))
    let sum = 3 + Double.exp(1)
    #expect(abs(gradient[5] - (Double.exp(1) / sum - 1)) < 1e-15)
    #expect(abs(gradient[4] - 1 / sum) < 1e-15)
  }

  @Test("refuse labels that are no classes, and inputs that are none")
  func refusals() throws {
    let network = try network()
    try network.load(Tensor(Shape(2), [3, .nan]), into: "classes")
    let error = #expect(throws: LayerError.self) { try network.forward() }
    #expect(error?.description == "loss2: label nan at position 1 must be a class")
    let unknown = #expect(throws: LayerError.self) {
      try network.load(Tensor(Shape(2)), into: "class")
    }
    #expect(unknown?.description == "two: input \"class\" must be one of: more, classes")
    let shape = #expect(throws: LayerError.self) {
      try network.load(Tensor(Shape(3)), into: "classes")
    }
    #expect(shape?.description == "classes: content of shape 3 must have shape 2")
  }

  @Test("refuse probabilities of what is no loss, and inputs of one name")
  func definitions() {
    var net = twoHeads()
    net.layers[2].probabilities = "p"
    #expect(throws: LayerError.self) {
      try Network(net, backend: ReferenceBackend<Double>(), batch: 2)
    }
    net = twoHeads()
    net.otherInputs[0].name = "data"
    #expect(throws: LayerError.self) {
      try Network(net, backend: ReferenceBackend<Double>(), batch: 2)
    }
  }
}
