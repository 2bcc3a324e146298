import Fast
import Layers
import Networks
import NumPyFiles
import Reference
import Tensors
import Testing

/// The network of `tiny35/net.prototxt`.
private func tinyCaffeNet() -> NetworkDefinition {
  var net = NetworkBuilder(name: "TinyCaffeNet", channels: 3, height: 35, width: 35)
  let conv1 = net.add(
    "conv1", ConvolutionSpecification(outputChannels: 8, kernel: 5, stride: 2), net.data)
  let relu1 = net.relu("relu1", conv1)
  let pool1 = net.maxPool("pool1", relu1, kernel: 3, stride: 2)
  let norm1 = net.lrn("norm1", pool1, localSize: 5, alpha: 1e-4, beta: 0.75)
  let conv2 = net.add(
    "conv2", ConvolutionSpecification(outputChannels: 12, kernel: 3, pad: 1, group: 2), norm1)
  let relu2 = net.relu("relu2", conv2)
  let pool2 = net.maxPool("pool2", relu2, kernel: 3, stride: 2)
  let fc3 = net.add("fc3", InnerProductSpecification(outputs: 10), pool2)
  net.softmaxWithLoss("loss", fc3)
  return net.definition
}

@Suite("A whole small network against Caffe")
struct TinyNetworkTests {
  @Test("in Float: every blob and gradient", arguments: Twin.allCases)
  func single(twin: Twin) throws {
    let tops = try Fixture.archive("tiny35/tops.npz")
    let bottomGradients = try Fixture.archive("tiny35/bottom_grads.npz")
    let parameterGradients = try Fixture.archive("tiny35/param_grads.npz")
    try check(
      twin.backend(as: Float.self), within: singlePrecision,
      top: { tops[$0] }, bottomGradient: { bottomGradients[$0] },
      parameterGradient: { parameterGradients[$0] })
  }

  @Test("in Double: every blob and gradient", arguments: Twin.allCases)
  func double(twin: Twin) throws {
    let arrays = try Fixture.archive("tiny35/float64.npz")
    try check(
      twin.backend(as: Double.self), within: doublePrecision,
      top: { arrays["top__" + $0] }, bottomGradient: { arrays["bgrad__" + $0] },
      parameterGradient: { arrays["pgrad__" + $0] })
  }

  private func check<Scalar>(
    _ backend: some Backend<Scalar>, within share: Double, top: (String) -> NumPyArray?,
    bottomGradient: (String) -> NumPyArray?, parameterGradient: (String) -> NumPyArray?
  ) throws {
    let definition = tinyCaffeNet()
    let network = try Network(
      definition, backend: backend, batch: 4, gradients: .parametersAndInput)
    try load(network)

    // Caffe numbers its layers from the data layer on.
    func key(_ index: Int, _ blob: String) -> String {
      "0\(index + 1)_\(definition.layers[index].name)__\(blob)"
    }
    for (index, layer) in definition.layers.enumerated() {
      try network.forward(layer: index)
      let expected = try #require(top(key(index, layer.top)))
      let actual = try #require(network.blob(layer.top))
      expectClose(
        actual, expected.tensor(), within: share, "top of \(layer.name)")
    }
    for (index, layer) in definition.layers.enumerated().reversed() {
      network.backward(layer: index)
      let expected = try #require(bottomGradient(key(index, layer.bottoms[0])))
      let actual = try #require(network.gradient(of: layer.bottoms[0]))
      expectClose(
        actual, expected.tensor(), within: share, "bottom gradient of \(layer.name)")
      for (number, gradient) in network.parameterGradients[index].enumerated() {
        let expected = try #require(parameterGradient("\(layer.name)_\(number)"))
        expectClose(
          gradient, expected.tensor(), within: share, "gradient \(number) of \(layer.name)")
      }
    }
  }

  private func load<Scalar>(_ network: Network<Scalar>) throws {
    let parameters = try Fixture.archive("tiny35/params.npz")
    for (index, layer) in network.definition.layers.enumerated() {
      for number in network.parameters[index].indices {
        network.parameters[index][number] = try Fixture.tensor(
          parameters, "\(layer.name)_\(number)")
      }
    }
    try network.load(
      images: Fixture.array("tiny35/data.npy").tensor(),
      labels: Fixture.array("tiny35/label.npy").integers())
  }
}
