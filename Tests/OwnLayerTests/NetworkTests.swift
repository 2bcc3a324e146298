import Fast
import GradientChecking
import Layers
import NetworkChecking
import Networks
import Reference
import Tensors
import Testing

@Suite("Layers of one's own, in networks")
struct OwnLayersInNetworks {
  private func network(
    _ definition: NetworkDefinition, keepingGradients: Bool = true
  ) throws -> Network<Double> {
    let network = try Network(
      definition, backend: FastBackend<Double>(), batch: 2, gradients: .parametersAndInput,
      keepingGradients: keepingGradients)
    var generator = SplitMix64(seed: 3)
    try network.load(
      images: .normal(network.input.shape, using: &generator), labels: [1, 0])
    for other in definition.otherInputs {
      let shape = try #require(network.blob(other.name)).shape
      try network.load(.normal(shape, using: &generator), into: other.name)
    }
    return network
  }

  /// Checks all parameters and the images, by finite differences and by dual numbers.
  private func expectRight(_ definition: NetworkDefinition) throws {
    let network = try network(definition)
    let before = network.parameters
    let report = try check(
      network, images: true, exact: ReferenceBackend<Dual<Double>>(),
      options: CheckOptions(exactElements: 4))
    let passed = report.passed
    #expect(passed, "\(report.explanation)")
    #expect(network.parameters == before)
    // With memory that goes round, the same.
    let forgetting = try self.network(definition, keepingGradients: false)
    try network.forward()
    network.backward()
    try forgetting.forward()
    forgetting.backward()
    #expect(network.parameterGradients == forgetting.parameterGradients)
    for layer in network.plan.layers.indices {
      for (number, parameter) in network.plan.layers[layer].parameters.enumerated()
      where !parameter.isLearned {
        let largest = network.parameterGradients[layer][number].largestMagnitude
        #expect(largest == 0)
      }
    }
  }

  private func definition(_ write: (inout NetworkBuilder) -> Void) -> NetworkDefinition {
    var net = NetworkBuilder(name: "own", channels: 2, height: 4, width: 4)
    write(&net)
    return net.definition
  }

  private let learning = [ParameterDefinition(filler: .msra())]

  @Test func geluAndBatchNorm() throws {
    try expectRight(
      definition {
        let convolution = ConvolutionSpecification(outputChannels: 3, kernel: 3, hasBias: false)
        let conv = $0.add("conv", convolution, $0.data, parameters: learning)
        let norm = $0.add("norm", BatchNormSpecification(), conv)
        let gelu = $0.add("gelu", GELUSpecification(), norm)
        $0.softmaxWithLoss(
          "loss", $0.fullyConnected("fc", gelu, outputs: 3, weights: .msra(), bias: 0))
      })
  }

  @Test func residual() throws {
    try expectRight(
      definition {
        let convolution = ConvolutionSpecification(outputChannels: 2, kernel: 3, pad: 1)
        let first = $0.add("conv1", convolution, $0.data, parameters: learning)
        let second = $0.add("conv2", convolution, first, parameters: learning)
        let sum = $0.add("sum", SumSpecification(), second, first, $0.data)
        $0.softmaxWithLoss(
          "loss", $0.fullyConnected("fc", sum, outputs: 3, weights: .msra(), bias: 0))
      })
  }

  @Test func theSameBlobTwiceAndThrice() throws {
    try expectRight(
      definition {
        let fc = $0.fullyConnected("fc", $0.data, outputs: 3, weights: .msra(), bias: 0)
        let twice = $0.add("twice", SumSpecification(), fc, fc)
        let thrice = $0.add("thrice", SumSpecification(), fc, fc, fc)
        $0.softmaxWithLoss("loss", $0.add("five", SumSpecification(), twice, thrice))
      })
  }

  /// Two losses without labels, of which a third is a function, and one with labels.
  @Test func lossesThatLayersRead() throws {
    var net = definition {
      let fc = $0.fullyConnected("fc", $0.data, outputs: 3, weights: .msra(), bias: 0)
      let one = $0.add("one", SquaredErrorSpecification(lossWeight: 2), fc, "target")
      let other = $0.fullyConnected("fc2", fc, outputs: 3, weights: .msra(), bias: 0)
      let two = $0.add("two", SquaredErrorSpecification(lossWeight: 0.5), fc, other)
      $0.add("three", SquaredErrorSpecification(lossWeight: -1), one, two)
      $0.softmaxWithLoss("loss", other)
    }
    net.otherInputs = [InputDefinition(name: "target", dimensions: [2, 3])]
    try expectRight(net)
    let network = try network(net)
    try network.forward()
    #expect(Set(network.results.keys) == ["one", "two", "three", "loss"])
    let sum = 2 * network.results["one", default: 0] + 0.5 * network.results["two", default: 0]
    let all = sum - network.results["three", default: 0] + network.results["loss", default: 0]
    // Four numbers, added in the order of the layers or not.
    #expect(abs(network.loss - all) <= 1e-14 * abs(all))
  }

  @Test("An output that is read by nothing has a gradient of 0, wherever its memory is")
  func deadEnd() throws {
    try expectRight(
      definition {
        $0.softmaxWithLoss(
          "loss", $0.fullyConnected("fc", $0.data, outputs: 3, weights: .msra(), bias: 0))
        _ = $0.fullyConnected("unread", "fc", outputs: 2, weights: .msra(), bias: 0)
      })
  }

  @Test func refusals() {
    func refusal(_ write: (inout NetworkBuilder) -> Void) -> String? {
      #expect(throws: LayerError.self) { try network(definition(write)) }?.description
    }
    #expect(
      refusal { $0.add("sum", SumSpecification(), $0.data, "nothing") }
        == "sum: bottom \"nothing\" must be \"data\" or the top of an earlier layer")
    #expect(
      refusal { $0.add("gelu", GELUSpecification(), $0.data, inPlace: true) }
        == "gelu: top equal to its bottom is not possible: a GELU layer can't work in place")
    #expect(
      refusal { $0.add("gelu", GELUSpecification(), $0.data, $0.data) }
        == "gelu: 2 bottoms must be 1 for a GELU layer")
    #expect(
      refusal {
        let error = $0.add("error", SquaredErrorSpecification(), $0.data, $0.data)
        $0.add("relu", ReLUSpecification(), error, inPlace: true)
      }
        == "relu: top \"error\" must not be written over: layer \"error\" needs its output again "
        + "backwards")
    #expect(
      refusal { $0.add("nobody", CheckedOnly(), $0.data) }
        == "nobody: type CheckedOnly can't run in a network: CheckedOnly doesn't implement layer(on:)"
    )
  }
}

/// A specification of a layer that is checked and never stands in a network.
private struct CheckedOnly: SingleInputSpecification {
  static let typeName = "CheckedOnly"
  func outputShape(for input: Shape) -> Shape { input }
}
