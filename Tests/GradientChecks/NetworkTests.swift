import Fast
import GradientChecking
import Layers
import NetworkChecking
import Networks
import Reference
import Tensors
import Testing

@Suite struct NetworkGradients {
  /// CaffeNet's kinds of layers, each once or twice, in a network of some thousand parameters.
  static func tiny() -> NetworkDefinition {
    var net = NetworkBuilder(name: "tiny", channels: 2, height: 9, width: 9)
    let relu1 = net.convolutionReLU(
      "1", net.data, kernel: 3, outputs: 4, weights: .msra(), bias: 0.1)
    let pool1 = net.maxPool("pool1", relu1, kernel: 3, stride: 2)
    let norm1 = net.lrn("norm1", pool1, localSize: 3, alpha: 0.5, beta: 0.75)
    let relu2 = net.convolutionReLU(
      "2", norm1, kernel: 3, outputs: 6, pad: 1, group: 2, weights: .msra(), bias: 0.1)
    let relu6 = net.fullyConnectedReLU("6", relu2, outputs: 8, weights: .msra(), bias: 0.1)
    let drop6 = net.dropout("drop6", relu6)
    let fc7 = net.fullyConnected("fc7", drop6, outputs: 5, weights: .msra(), bias: 0)
    net.softmaxWithLoss("loss", fc7)
    return net.definition
  }

  static func network(
    on backend: some Backend<Double>, phase: Phase = .training
  ) throws -> Network<Double> {
    let network = try Network(
      tiny(), backend: backend, batch: 2, gradients: .parametersAndInput, phase: phase, seed: 5)
    var generator = SplitMix64(seed: 11)
    try network.load(images: .normal(network.input.shape, using: &generator), labels: [3, 1])
    return network
  }

  @Test(arguments: Phase.allCases)
  func areRightFromTheLossToTheImages(in phase: Phase) throws {
    for backend in versions {
      let network = try Self.network(on: backend, phase: phase)
      try expectRight(network, "\(phase)")
    }
  }

  @Test func aNetworkWithoutGradientsOfItsImagesIsRefused() throws {
    let network = try Network(
      Self.tiny(), backend: FastBackend<Double>(), batch: 1, gradients: .parameters, seed: 5)
    try network.load(images: Tensor(network.input.shape), labels: [3])
    var function = NetworkFunction(network, images: true)
    let error = #expect(throws: CheckError.self) { try function.gradients(upstream: [1], seed: 1) }
    #expect(error?.reason.hasPrefix("the network computes no gradient of its images") == true)
  }

  private func expectRight(_ network: Network<Double>, _ title: String) throws {
    let report = try check(
      network, images: true, exact: exactVersion, options: CheckOptions(exactElements: 40))
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    #expect(report.tensors.count == 9)
    var summary = Summary(version: "\(network.backendName), \(title)")
    for tensor in report.tensors {
      // A loss near 2 ends with a digit of 4e-16: quotients with steps small enough to get past
      // the kinks of all ReLUs and maxima know a gradient to 1e-9 or so.
      #expect(tensor.worstRelativeError <= 1e-7, "\(tensor.layer) \(tensor.tensor)")
      #expect(tensor.dualRelativeError ?? 1 <= 1e-12, "\(tensor.layer) \(tensor.tensor)")
      summary.add(tensor)
    }
    summary.layer = "the tiny network"
    print(summary.line)
  }

  /// mini as it is trained, by samples and directions.
  @Test func ofMiniAreRight() throws {
    for backend in versions {
      let network = try Network(mini(), backend: backend, batch: 1, seed: 2)
      var generator = SplitMix64(seed: 12)
      try network.load(images: .normal(network.input.shape, using: &generator), labels: [7])
      let report = try check(
        network, exact: exactVersion,
        options: CheckOptions(
          mode: .sampled(8), directions: 1, exactElements: 0, isEconomical: true))
      let passed = report.passed
      #expect(passed, "\(report.explanation)")
      var summary = Summary(version: backend.name)
      report.tensors.forEach { summary.add($0) }
      summary.layer = "mini"
      print(summary.line)
      #expect(report.tensors.allSatisfy { $0.dualRelativeError ?? 1 <= 1e-12 })
    }
  }

  /// Running only the layers behind a parameter gives the loss of running them all.
  @Test func evaluateAgainFromAnyLayer() throws {
    var function = NetworkFunction(try Self.network(on: FastBackend<Double>()))
    var (whole, part) = ([Double](), [Double]())
    for variable in function.variables.indices {
      let value = function.value(of: variable, at: 0)
      try function.evaluate(into: &whole, seed: 9, movedOnly: nil)
      function.setValue(of: variable, at: 0, to: value + 0.5)
      try function.evaluate(into: &part, seed: 9, movedOnly: variable)
      try function.evaluate(into: &whole, seed: 9, movedOnly: nil)
      #expect(part == whole)
      function.setValue(of: variable, at: 0, to: value)
      try function.evaluate(into: &part, seed: 9, movedOnly: variable)
      try function.evaluate(into: &whole, seed: 9, movedOnly: nil)
      #expect(part == whole)
    }
  }

  @Test func ofOneLayerAreChecked() throws {
    let network = try Self.network(on: FastBackend<Double>())
    let options = CheckOptions(mode: .sampled(3))
    let conv2 = try check(network, images: true, layer: "conv2", options: options)
    #expect(conv2.tensors.map(\.layer) == ["conv2", "conv2"])
    #expect(conv2.tensors.map(\.tensor) == ["weights", "bias"])
    let data = try check(network, images: true, layer: "data", options: options)
    #expect(data.tensors.map(\.shape) == [network.input.shape.dimensions])
    #expect(conv2.passed && data.passed)
  }

  @Test func aLayerMaySayThatItCannotWorkInPlace() throws {
    let backend = BackendWithBrokenDropout(obstacle: "the mask is lost")
    let error = #expect(throws: LayerError.self) { try Self.network(on: backend) }
    #expect(
      error?.description
        == "drop6: top equal to its bottom is not possible here: the mask is lost")
  }

  /// A wrong gradient in one layer of a network is found, and found there.
  @Test func findTheLayerThatIsWrong() throws {
    let network = try Self.network(on: BackendWithBrokenDropout())
    let report = try check(network, options: CheckOptions(mode: .sampled(10)))
    let wrong = report.tensors.filter { !$0.passed }.map(\.layer)
    // Everything before the dropout gets a wrong gradient, nothing behind it does.
    #expect(Set(wrong) == ["conv1", "conv2", "fc6"])
  }
}
