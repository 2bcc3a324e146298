import Layers
import Networks
import Reference
import Tensors
import Testing

@Suite("What a network refuses")
struct WiringTests {
  private func refusal(_ build: (inout NetworkBuilder) -> Void) -> String? {
    var net = NetworkBuilder(name: "net", channels: 2, height: 4, width: 4)
    build(&net)
    let error = #expect(throws: LayerError.self) {
      try Network(net.definition, backend: ReferenceBackend<Float>())
    }
    return error?.description
  }

  @Test("a bottom that nothing produces")
  func unknownBottom() {
    let message = refusal { $0.add("relu", ReLUSpecification(), "nothing") }
    #expect(message == "relu: bottom \"nothing\" must be \"data\" or the top of an earlier layer")

    var net = NetworkBuilder(name: "net", channels: 2, height: 4, width: 4)
    net.add("relu", ReLUSpecification(), "nothing")
    let error = #expect(throws: LayerError.self) { try NetworkPlan(net.definition) }
    #expect(error?.description == message)
  }

  @Test("two layers of one name")
  func duplicateName() {
    let message = refusal {
      $0.add("relu", ReLUSpecification(), $0.data)
      $0.add("relu", ReLUSpecification(), $0.data)
    }
    #expect(message == "relu: name must not be that of an earlier layer")
  }

  @Test("a top that another layer has")
  func duplicateTop() {
    var net = NetworkBuilder(name: "net", channels: 2, height: 4, width: 4)
    net.add("a", ReLUSpecification(), net.data)
    net.add("b", ReLUSpecification(), net.data)
    var definition = net.definition
    definition.layers[1].top = "a"
    let error = #expect(throws: LayerError.self) {
      try Network(definition, backend: ReferenceBackend<Float>())
    }
    #expect(error?.description == "b: top \"a\" must not be that of an earlier layer")
  }

  @Test("a layer in place that can't be")
  func inPlace() {
    let pooling = refusal {
      $0.add("pool", PoolingSpecification(.maximum, kernel: 2), $0.data, inPlace: true)
    }
    #expect(
      pooling
        == "pool: top equal to its bottom is not possible: a Pooling layer can't work in place")
    let negative = refusal {
      $0.add("relu", ReLUSpecification(negativeSlope: -1), $0.data, inPlace: true)
    }
    #expect(negative?.contains("hides the sign of the input") == true)
  }

  @Test("writing over what another layer needs again")
  func overwriting() {
    let message = refusal {
      let fc = $0.add("fc", InnerProductSpecification(outputs: 3), $0.data)
      $0.add("other", InnerProductSpecification(outputs: 3), fc)
      $0.add("relu", ReLUSpecification(), fc, inPlace: true)
    }
    #expect(
      message
        == "relu: top \"fc\" must not be written over: layer \"other\" reads it and needs it again "
        + "backwards")
  }

  @Test("writing over an output that its own layer needs again", arguments: ["lrn", "softmax"])
  func ownOutput(name: String) {
    let message = refusal {
      let specification: any LayerSpecification =
        name == "lrn" ? LRNSpecification() : SoftmaxSpecification()
      let top = $0.add(name, specification, $0.data)
      _ = $0.dropout("drop", top)
    }
    #expect(
      message
        == "drop: top \"\(name)\" must not be written over: layer \"\(name)\" needs its output again "
        + "backwards")
  }

  @Test("labels that are missing, too many or no class")
  func labels() throws {
    var net = NetworkBuilder(name: "net", channels: 2, height: 4, width: 4)
    let fc = net.add("fc", InnerProductSpecification(outputs: 3), net.data)
    net.softmaxWithLoss("loss", fc)
    let network = try Network(net.definition, backend: ReferenceBackend<Float>(), batch: 2)
    for (labels, rule) in [
      ([0], "1 labels must be 2"), ([0, 1, 2], "3 labels must be 2"),
      ([0, 3], "label 3 at position 1 must be a class from 0 to 2"),
      ([-1, 0], "label -1 at position 0 must be a class from 0 to 2"),
    ] {
      try network.load(images: Tensor(Shape(2, 2, 4, 4)), labels: labels)
      let error = #expect(throws: LayerError.self) { try network.forward() }
      #expect(error?.description.hasPrefix("loss: \(rule)") == true)
    }
  }

  @Test("images and parameters of another shape")
  func shapes() throws {
    let network = try Network(mini(), backend: ReferenceBackend<Float>())
    let images = #expect(throws: LayerError.self) {
      try network.load(images: Tensor(Shape(1, 3, 227, 227)), labels: [0])
    }
    #expect(
      images?.description == "data: images of shape 1×3×227×227 must have shape 1×3×99×99")
    #expect(throws: LayerError.self) {
      try Network(mini(), backend: ReferenceBackend<Float>(), parameters: [])
    }
    #expect(throws: LayerError.self) {
      try Network(
        mini(classes: 7), backend: ReferenceBackend<Float>(), parameters: network.parameters)
    }
  }

  @Test("a batch that is impossible")
  func batch() {
    let error = #expect(throws: LayerError.self) {
      try Network(mini(), backend: ReferenceBackend<Float>(), batch: -1)
    }
    #expect(
      error?.description
        == "data: input -1×3×99×99 is impossible: no extent may be negative")
  }

  @Test("layers that were given too little, too much or something else to read or to write")
  func impossibleLayers() {
    var net = NetworkBuilder(name: "net", channels: 2, height: 4, width: 4)
    net.softmaxWithLoss("loss", net.data)
    func refusal(_ change: (inout LayerDefinition) -> Void) -> String? {
      var definition = net.definition
      change(&definition.layers[0])
      let error = #expect(throws: LayerError.self) {
        try Network(definition, backend: ReferenceBackend<Float>())
      }
      return error?.description
    }
    #expect(
      refusal { $0.bottoms = ["data"] } == "loss: 1 bottoms must be 2 for a SoftmaxWithLoss layer")
    #expect(
      refusal { $0.bottoms = ["data", "other"] }
        == "loss: bottom \"other\" must be the labels, \"label\", or the top of an earlier layer")
    #expect(
      refusal { $0.probabilities = "data" }
        == "loss: top \"data\" must not be that of an earlier layer")
    #expect(
      refusal {
        $0.specification = SoftmaxSpecification()
        $0.bottoms = ["data"]
        $0.probabilities = "prob"
      } == "loss: a second top is not possible: only a loss has probabilities to show")
  }

  @Test("a gradient of a blob that keeps none, or of another shape")
  func gradients() throws {
    var net = NetworkBuilder(name: "net", channels: 2, height: 4, width: 4)
    net.add("relu", ReLUSpecification(), net.data)
    let network = try Network(
      net.definition, backend: ReferenceBackend<Float>(), gradients: .parametersAndInput)
    let unknown = #expect(throws: LayerError.self) {
      try network.load(gradient: Tensor(Shape(1)), of: "nothing")
    }
    #expect(unknown?.description == "net: gradient of \"nothing\" is none that is kept")
    let other = #expect(throws: LayerError.self) {
      try network.load(gradient: Tensor(Shape(1, 2, 4)), of: "relu")
    }
    #expect(other?.description == "relu: gradient of shape 1×2×4 must have shape 1×2×4×4")
    // One that fits goes backwards: ReLU passes it on where the input is positive.
    let upstream = Tensor<Float>(network.input.shape, repeating: 3)
    var images = Tensor<Float>(network.input.shape)
    images[0] = 1
    try network.load(images: images, labels: [])
    try network.forward()
    try network.load(gradient: upstream, of: "relu")
    network.backward()
    let gradient = try #require(network.gradient(of: "data"))
    #expect(gradient.elements == [3] + Array(repeating: 0, count: 31))
  }
}
