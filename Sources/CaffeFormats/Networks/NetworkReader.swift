import CaffeMessages
import Layers
import Networks
import Tensors

/// Makes a network of what a `.prototxt` says, layer by layer.
struct NetworkReader {
  let net: NetPrototxt
  let state: Caffe_NetState
  let recordExtents: NetPrototxt.RecordExtents?
  var fedExtents: [String: [Int]] = [:]

  /// The shape of each blob written so far.
  var shapes: [String: Shape] = [:]
  var inputs: [CaffeInput] = []
  var layers: [LayerDefinition] = []
  var numbers: [Int] = []

  init(net: NetPrototxt, state: Caffe_NetState, recordExtents: NetPrototxt.RecordExtents?) {
    self.net = net
    self.state = state
    self.recordExtents = recordExtents
  }

  /// The network, its shapes checked.
  mutating func read(phase: Phase) throws(CaffeFileError) -> CaffeNetwork {
    let indices = net.layers(in: state)
    var names: [String: Int] = [:]
    for (number, index) in indices.enumerated() {
      let layer = net.message.layer[index]
      do throws(LayerProblem) {
        if let earlier = names.updateValue(index, forKey: layer.name) {
          let line = net.position(ofLayer: earlier).map { " (line \($0.line))" } ?? ""
          throw LayerProblem("an earlier layer\(line) has the same name", field: "name")
        }
        try check(layer)
        if Caffe_LayerParameter.operationTypes.contains(layer.type) {
          try addOperation(layer, later: indices.dropFirst(number + 1))
          numbers.append(number)
          continue
        }
      } catch {
        throw net.error(error.problem, layer: index, field: error.field)
      }
      if Caffe_LayerParameter.inputTypes.contains(layer.type) {
        try addInputs(layer, number: number, index: index)
      } else if !Caffe_LayerParameter.idleTypes.contains(layer.type) {
        let unknown = layer.unknownType()
        throw net.error(unknown.problem, layer: index, field: unknown.field)
      }
    }
    return try finished(indices, phase)
  }

  /// What no layer of this project can do.
  private func check(_ layer: Caffe_LayerParameter) throws(LayerProblem) {
    guard layer.propagateDown.allSatisfy({ $0 }) else {
      throw LayerProblem("not propagating down is not possible here", field: "propagate_down")
    }
    guard layer.type == "SoftmaxWithLoss" || layer.lossWeight.allSatisfy({ $0 == 0 }),
      layer.lossWeight.dropFirst().allSatisfy({ $0 == 0 })
    else {
      throw LayerProblem(
        "only the first top of a SoftmaxWithLoss layer can have a loss weight here",
        field: "loss_weight")
    }
  }

  private mutating func addOperation(
    _ layer: Caffe_LayerParameter, later: ArraySlice<Int>
  ) throws(LayerProblem) {
    guard let bottom = layer.bottom.first else {
      throw LayerProblem("a \"bottom\" is missing: the blob to read")
    }
    for bottom in layer.bottom where shapes[bottom] == nil {
      throw unknownBlob(bottom, later: later)
    }
    guard let shape = shapes[bottom] else { throw unknownBlob(bottom, later: later) }
    let specification = try layer.specification(on: shape)
    let bottoms = specification.takesLabels ? 2 : 1
    guard layer.bottom.count == bottoms else {
      throw LayerProblem(
        "has \(layer.bottom.count) bottoms; a \(layer.type) layer reads \(bottoms)",
        field: "bottom")
    }
    if specification.takesLabels, let labels = shapes[layer.bottom[1]] {
      // Found out here, and not in the first batch: data layers may differ in their batches.
      let expected = shape.images * shape.spatialCount
      guard labels.count == expected else {
        throw LayerProblem(
          "compares scores \"\(bottom)\" of \(shape) with labels \"\(layer.bottom[1])\" of \(labels); "
            + "there must be \(expected) labels, one for each image and position",
          field: "bottom")
      }
    }
    // Caffe names the top of a loss or metric itself when the file doesn't.
    let tops = layer.top.isEmpty && specification.takesLabels ? [layer.name] : layer.top
    let mayShowProbabilities = layer.type == "SoftmaxWithLoss"
    guard tops.count == 1 || (tops.count == 2 && mayShowProbabilities) else {
      throw LayerProblem(
        "has \(tops.count) tops; a \(layer.type) layer writes "
          + (mayShowProbabilities ? "1, or 2 with the probabilities" : "1"),
        field: tops.isEmpty ? nil : "top")
    }
    for (number, top) in tops.enumerated() where number > 0 || top != bottom {
      guard shapes[top] == nil else {
        throw LayerProblem("blob \"\(top)\" is written by an earlier layer already", field: "top")
      }
      // Only the second one, the probabilities, has the shape of the scores.
      shapes[top] = shape
    }
    do throws(LayerError) {
      shapes[tops[0]] = try specification.outputShape(for: shape)
    } catch {
      throw LayerProblem("\(error.value) \(error.rule)", field: error.field)
    }
    layers.append(
      LayerDefinition(
        name: layer.name, specification: specification, bottoms: layer.bottom, top: tops[0],
        probabilities: tops.dropFirst().first, parameters: try layer.parameterDefinitions()))
  }

  private func unknownBlob(_ name: String, later: ArraySlice<Int>) -> LayerProblem {
    if let writer = later.first(where: { net.message.layer[$0].top.contains(name) }) {
      let line = net.position(ofLayer: writer).map { " (line \($0.line))" } ?? ""
      return LayerProblem(
        "blob \"\(name)\" is written only later, by layer \"\(net.message.layer[writer].name)\""
          + "\(line): layers run in the order of the file, and there are no cycles",
        field: "bottom")
    }
    return LayerProblem(
      "no layer in this phase writes blob \"\(name)\""
        + suggestion(for: name, among: shapes.keys.sorted()), field: "bottom")
  }
}

// MARK: - The whole network

extension NetworkReader {
  private func finished(_ indices: [Int], _ phase: Phase) throws(CaffeFileError) -> CaffeNetwork {
    let compared = Set(layers.filter(\.specification.takesLabels).map { $0.bottoms[1] })
    let read = Set(layers.map { $0.bottoms[0] })
    let images = inputs.first { !compared.contains($0.name) || read.contains($0.name) }
    guard let images, images.shape.rank > 0 else {
      let what = state.phase == .train ? "training" : "testing"
      throw CaffeFileError(
        file: net.file,
        problem: "the network has no input for images when \(what): it needs a layer of type "
          + "Input, Data or DummyData")
    }
    let labels = inputs.first { compared.contains($0.name) && !read.contains($0.name) }

    var definition = NetworkDefinition(
      name: net.message.name, imageShape: Array(images.shape.dimensions.dropFirst()),
      layers: layers)
    definition.data = images.name
    // Where nothing compares with labels, a name that no blob has.
    var unused = "label"
    while shapes[unused] != nil { unused += "_" }
    definition.label = labels?.name ?? unused
    definition.otherInputs = inputs.filter { $0.name != images.name && $0.name != labels?.name }
      .map { InputDefinition(name: $0.name, dimensions: $0.shape.dimensions) }
    var message = net.message
    message.layer = indices.map { net.message.layer[$0] }
    let network = CaffeNetwork(
      definition: definition, batch: images.shape.images, phase: phase, inputs: inputs,
      message: message, numbers: numbers, origin: (net, indices))
    // What is left to be checked needs the whole network.
    let plan = try network.locatingErrors { () throws(LayerError) in
      try NetworkPlan(definition, batch: network.batch)
    }
    try requireMemory(plan, indices)
    return network
  }
}
