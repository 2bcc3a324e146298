import Fast
import Layers
import Networks
import Reference
import Tensors
import Testing

/// Three inner products with bends between them.
private func threeLayers(_ change: (inout NetworkDefinition) -> Void = { _ in })
  -> NetworkDefinition
{
  var net = NetworkBuilder(name: "three", channels: 2, height: 2, width: 2)
  let fillers = [ParameterDefinition(filler: .msra()), ParameterDefinition(filler: .constant(0.1))]
  let a = net.add("a", InnerProductSpecification(outputs: 4), net.data, parameters: fillers)
  let bent = net.add("tanh", TanHSpecification(), a, inPlace: true)
  let b = net.add("b", InnerProductSpecification(outputs: 4), bent, parameters: fillers)
  let c = net.add(
    "c", InnerProductSpecification(outputs: 3), net.relu("relu", b), parameters: fillers)
  net.softmaxWithLoss("loss", c)
  var definition = net.definition
  change(&definition)
  return definition
}

private func backwards(
  _ definition: NetworkDefinition, _ scope: GradientScope = .parameters,
  keepingGradients: Bool = true
) throws -> Network<Double> {
  let network = try Network(
    definition, backend: FastBackend<Double>(), batch: 3, gradients: scope,
    keepingGradients: keepingGradients)
  var generator = SplitMix64(seed: 4)
  try network.load(images: .normal(network.input.shape, using: &generator), labels: [0, 2, 1])
  try network.forward()
  network.backward()
  return network
}

@Suite("Parameters that don't learn, and errors that are cut")
struct FreezingTests {
  private static func freeze(_ names: String...) -> (inout NetworkDefinition) -> Void {
    { definition in
      for index in definition.layers.indices where names.contains(definition.layers[index].name) {
        for number in definition.layers[index].parameters.indices {
          definition.layers[index].parameters[number].learningRateMultiplier = 0
        }
      }
    }
  }

  @Test("have no gradient, and below the first that learns nothing runs backwards")
  func firstLayers() throws {
    let all = try backwards(threeLayers())
    for keeps in [true, false] {
      let network = try backwards(threeLayers(Self.freeze("a", "b")), keepingGradients: keeps)
      #expect(network.parameterGradients[0].allSatisfy { $0.largestMagnitude == 0 })
      #expect(network.parameterGradients[2].allSatisfy { $0.largestMagnitude == 0 })
      #expect(network.parameterGradients[4] == all.parameterGradients[4])
      // No error comes to where it isn't needed.
      #expect(network.plan.blobs.map(\.needsGradient) == [false, false, false, true, true])
      #expect(network.gradient(of: "b") == nil)
      #expect(network.plan.layers[4].propagates == [false])
    }
    #expect(all.gradient(of: "a") != nil)
  }

  @Test("have none above one that learns, which gets its own all the same")
  func lastLayer() throws {
    let all = try backwards(threeLayers())
    let network = try backwards(threeLayers(Self.freeze("c")))
    #expect(network.parameterGradients[4].allSatisfy { $0.largestMagnitude == 0 })
    #expect(network.parameterGradients[0] == all.parameterGradients[0])
    #expect(network.parameterGradients[2] == all.parameterGradients[2])
  }

  @Test("may be a layer's weights alone")
  func weights() throws {
    let all = try backwards(threeLayers())
    let network = try backwards(
      threeLayers { $0.layers[2].parameters[0].learningRateMultiplier = 0 })
    #expect(network.parameterGradients[2][0].largestMagnitude == 0)
    #expect(network.parameterGradients[2][1] == all.parameterGradients[2][1])
    network.backward(accumulating: true)
    #expect(network.parameterGradients[2][0].largestMagnitude == 0)
  }

  @Test("have a gradient where all are asked for, as Caffe's force_backward does")
  func forced() throws {
    let network = try backwards(threeLayers(Self.freeze("a", "b")), .parametersAndInput)
    let all = try backwards(threeLayers(), .parametersAndInput)
    #expect(network.parameterGradients == all.parameterGradients)
  }

  @Test(
    "An error that isn't to be propagated stops, in place too", arguments: ["b", "relu", "tanh"])
  func cut(name: String) throws {
    let all = try backwards(threeLayers())
    for keeps in [true, false] {
      let network = try backwards(
        threeLayers { definition in
          for index in definition.layers.indices where definition.layers[index].name == name {
            definition.layers[index].propagatesDown = [false]
          }
        }, keepingGradients: keeps)
      #expect(network.parameterGradients[0].allSatisfy { $0.largestMagnitude == 0 })
      #expect(network.parameterGradients[4] == all.parameterGradients[4])
      let reachesB = network.parameterGradients[2].contains { $0.largestMagnitude > 0 }
      #expect(reachesB == (name != "relu"))
    }
  }
}

@Suite("What a layer in place may write over")
struct InPlaceTests {
  private func refusal(
    _ first: any LayerSpecification, _ second: any LayerSpecification,
    _ scope: GradientScope = .parameters
  ) -> String? {
    var net = NetworkBuilder(name: "net", channels: 2, height: 2, width: 2)
    let fc = net.add("fc", InnerProductSpecification(outputs: 4), net.data)
    var definition = net.definition
    for (name, specification) in [("first", first), ("second", second)] {
      definition.layers.append(
        LayerDefinition(name: name, specification: specification, bottoms: [fc], top: fc))
    }
    do {
      _ = try NetworkPlan(definition, gradients: scope)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("not what the layer before needs again: its values, or its signs")
  func overwriting() {
    let (relu, sigmoid, tanh) = (ReLUSpecification(), SigmoidSpecification(), TanHSpecification())
    let dropout = DropoutSpecification()
    let values =
      "second: top \"fc\" must not be written over: layer \"first\" needs its output again backwards"
    for first in [sigmoid, tanh] as [any LayerSpecification] {
      for second in [relu, sigmoid, tanh, dropout] as [any LayerSpecification] {
        #expect(refusal(first, second) == values)
        #expect(refusal(first, second, .none) == nil)
      }
    }
    for second in [sigmoid, tanh] as [any LayerSpecification] {
      #expect(refusal(relu, second)?.contains("needs the signs of its output again") == true)
      #expect(refusal(relu, second, .none) == nil)
      #expect(refusal(dropout, second) == nil)
    }
    #expect(refusal(relu, dropout) == nil)
    #expect(refusal(relu, ReLUSpecification(negativeSlope: 0.1)) == nil)
  }
}

@Suite("Layers that say more than their type")
struct LayerSettingTests {
  @Test("run in a phase of their own")
  func phase() throws {
    var net = NetworkBuilder(name: "net", channels: 2, height: 2, width: 2)
    net.add("tested", DropoutSpecification(), net.data)
    net.add("trained", DropoutSpecification(), net.data)
    var definition = net.definition
    definition.layers[0].phase = .testing
    let network = try Network(definition, backend: ReferenceBackend<Float>(), batch: 2)
    try network.load(images: Tensor(network.input.shape, repeating: 1), labels: [])
    try network.forward()
    #expect(network.blob("tested") == network.input)
    #expect(network.blob("trained") != network.input)
    #expect(network.context.phase == .training)
  }

  @Test("weigh in the loss, whatever their type")
  func lossWeight() throws {
    var net = NetworkBuilder(name: "net", channels: 2, height: 2, width: 2)
    let fc = net.add(
      "fc", InnerProductSpecification(outputs: 3), net.data,
      parameters: [ParameterDefinition(filler: .msra())])
    net.add("prob", TanHSpecification(), fc)
    var definition = net.definition
    definition.layers[1].lossWeight = 0.5
    let network = try Network(definition, backend: ReferenceBackend<Double>(), batch: 2)
    var generator = SplitMix64(seed: 4)
    try network.load(images: .normal(network.input.shape, using: &generator), labels: [])
    let loss = try network.forward()
    let outputs = try #require(network.blob("prob"))
    #expect(abs(loss - 0.5 * outputs.elements.reduce(0, +)) <= 1e-15)
    network.backward()
    // ∂L/∂bias = Σ ½·(1 − y²) over the images, in another order of operations.
    let slope = 0.5 * (1 - outputs[0] * outputs[0]) + 0.5 * (1 - outputs[3] * outputs[3])
    #expect(abs(network.parameterGradients[0][1][0] - slope) <= 1e-15)

    definition.layers[1] = LayerDefinition(
      name: "in place", specification: TanHSpecification(), bottoms: ["fc"], top: "fc")
    definition.layers[1].lossWeight = 1
    let error = #expect(throws: LayerError.self) { try NetworkPlan(definition) }
    #expect(
      error?.description
        == "in place: loss weight 1.0 is not possible for a layer that works in place")
  }
}

@Suite("Parameters that layers share")
struct SharingTests {
  /// Two branches with the same weights and biases of their own, multiplied.
  private func siamese() -> NetworkDefinition {
    var net = NetworkBuilder(name: "siamese", channels: 2, height: 2, width: 2)
    let weights = ParameterDefinition(filler: .msra(), name: "w")
    for name in ["a", "b"] {
      net.add(
        name, InnerProductSpecification(outputs: 3), net.data,
        parameters: [weights, ParameterDefinition(filler: .uniform(low: 0, high: 1))])
    }
    let product = net.add("product", EltwiseSpecification(.product), "a", "b")
    net.softmaxWithLoss("loss", product)
    return net.definition
  }

  @Test("are one parameter, whose gradient is the sum over the layers")
  func gradient() throws {
    let network = try Network(siamese(), backend: FastBackend<Double>(), batch: 2)
    #expect(network.parameters[0][0] == network.parameters[1][0])
    #expect(network.parameters[0][1] != network.parameters[1][1])
    #expect(network.plan.parameterCount == 3 * 8 + 3 + 3)
    var generator = SplitMix64(seed: 4)
    try network.load(images: .normal(network.input.shape, using: &generator), labels: [0, 2])
    try network.forward()
    network.backward()
    let gradient = network.parameterGradients[0][0]
    #expect(network.parameterGradients[1][0].largestMagnitude == 0)
    network.backward(accumulating: true)
    for i in 0..<gradient.count {
      #expect(abs(network.parameterGradients[0][0][i] - 2 * gradient[i]) <= 1e-15)
    }
    // The step balances truncation (1e-10 relative) and rounding (1e-16 / 1e-5): 1e-9 leaves room.
    let step = 1e-5
    for i in 0..<gradient.count {
      let start = network.parameters[0][0][i]
      network.parameters[0][0][i] = start + step
      let above = try network.forward()
      network.parameters[0][0][i] = start - step
      let below = try network.forward()
      network.parameters[0][0][i] = start
      #expect(abs((above - below) / (2 * step) - gradient[i]) <= 1e-9)
    }
    network.parameters[0][0][0] = 7
    network.shareParameters()
    #expect(network.parameters[1][0][0] == 7)
  }

  @Test("must have one shape")
  func shapes() {
    var definition = siamese()
    definition.layers[1].specification = InnerProductSpecification(outputs: 4)
    let error = #expect(throws: LayerError.self) { try NetworkPlan(definition) }
    #expect(
      error?.description
        == "b: parameter \"w\" of 4×8 must have the shape 3×8 that it has in layer \"a\", which shares it"
    )
  }
}
