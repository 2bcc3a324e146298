import CaffeMessages
import Layers
import Networks
import Tensors

/// Makes a network of what a `.prototxt` says, layer by layer; its shapes are those of the network's plan,
/// which grows with it.
struct NetworkReader {
  let net: NetPrototxt
  let phase: Phase
  let recordExtents: NetPrototxt.RecordExtents?
  /// The layers of these circumstances, by their positions in the message.
  let indices: [Int]
  var fedExtents: [String: [Int]] = [:]

  var inputs: [CaffeInput] = []
  /// The blobs that earlier layers of the file write, or bring in.
  private var written: Set<String> = []
  private var layers: [LayerDefinition] = []
  private var numbers: [Int] = []
  /// How many layers have had each name.
  private var named: [String: Int] = [:]
  /// The parameters that later layers may share, by their names.
  private var shared: [String: SharedParameter] = [:]

  init(net: NetPrototxt, state: Caffe_NetState, recordExtents: NetPrototxt.RecordExtents?) {
    self.net = net
    phase = state.phase == .train ? .training : .testing
    self.recordExtents = recordExtents
    indices = net.layers(in: state)
  }

  /// The network, its shapes checked.
  mutating func read() throws(CaffeFileError) -> CaffeNetwork {
    for (number, index) in indices.enumerated()
    where Caffe_LayerParameter.inputTypes.contains(net.message.layer[index].type) {
      try addInputs(net.message.layer[index], number: number, index: index)
    }
    let images = images
    var definition = emptyDefinition
    var plan = try emptyPlan(definition)
    for (number, index) in indices.enumerated() {
      let layer = net.message.layer[index]
      do throws(LayerProblem) {
        if Caffe_LayerParameter.inputTypes.contains(layer.type) {
          for input in inputs where input.layer == number { try write(input.name) }
        } else if Caffe_LayerParameter.operationTypes.contains(layer.type) {
          try requireBottoms(layer, number)
          guard plan != nil else { throw noImages() }
          try append(operation(layer, index, plan), number, &plan)
        } else if Caffe_LayerParameter.idleTypes.contains(layer.type) {
          try requireBottoms(layer, number)
        } else {
          throw layer.unknownType()
        }
      } catch {
        throw net.error(error.problem, layer: index, field: error.field)
      }
    }
    guard let images, let plan else {
      throw CaffeFileError(file: net.file, problem: noImages().problem)
    }
    definition.layers = layers
    try requireMemory(plan, numbers.map { indices[$0] })
    var message = net.message
    message.layer = indices.map { net.message.layer[$0] }
    return CaffeNetwork(
      definition: definition, batch: images.shape.images, phase: phase, inputs: inputs,
      message: message, numbers: numbers, origin: (net, indices))
  }

  private func noImages() -> LayerProblem {
    LayerProblem(
      "the network has no input for images when \(phase): it needs a layer of type Input, Data or "
        + "DummyData")
  }
}

// MARK: - What feeds the network

extension NetworkReader {
  private var messages: [Caffe_LayerParameter] { indices.map { net.message.layer[$0] } }

  /// The blobs that losses and metrics compare with.
  private var compared: Set<String> {
    Set(messages.filter { $0.takesLabels && $0.bottom.count > 1 }.compactMap(\.bottom.last))
  }

  /// The blobs that layers compute with.
  private var computedWith: Set<String> {
    Set(messages.flatMap { $0.takesLabels ? Array($0.bottom.prefix(1)) : $0.bottom })
  }

  /// The first input that isn't only compared with.
  private var images: CaffeInput? {
    let (compared, read) = (compared, computedWith)
    return inputs.first {
      $0.shape.rank > 0 && (!compared.contains($0.name) || read.contains($0.name))
    }
  }

  /// The network with its inputs, without layers.
  private var emptyDefinition: NetworkDefinition {
    let (compared, read) = (compared, computedWith)
    let images = images
    let labels = inputs.first { compared.contains($0.name) && !read.contains($0.name) }
    var definition = NetworkDefinition(
      name: net.message.name, imageShape: Array(images?.shape.dimensions.dropFirst() ?? []))
    definition.data = images?.name ?? "data"
    // Where nothing compares with labels, a name that no blob has.
    var unused = "label"
    let tops = Set(messages.flatMap(\.top))
    while tops.contains(unused) { unused += "_" }
    definition.label = labels?.name ?? unused
    definition.otherInputs = inputs.filter { $0.name != images?.name && $0.name != labels?.name }
      .map { InputDefinition(name: $0.name, dimensions: $0.shape.dimensions) }
    return definition
  }

  /// A plan of the inputs; `nil` without images. A network that tests, or has no loss, needs no gradients.
  private func emptyPlan(
    _ definition: NetworkDefinition
  ) throws(CaffeFileError) -> NetworkPlan? {
    guard let images else { return nil }
    let hasLoss = messages.contains {
      $0.type == "SoftmaxWithLoss" || $0.lossWeight.contains { $0 != 0 }
    }
    do {
      return try NetworkPlan(
        definition, batch: images.shape.images,
        gradients: hasLoss && phase == .training ? .parameters : .none)
    } catch {
      throw CaffeFileError(file: net.file, problem: error.description)
    }
  }
}

// MARK: - Layers

/// A parameter that layers share.
private struct SharedParameter {
  /// The layer that has it first, and which of its parameters it is.
  var place: (layer: Int, parameter: Int)
  /// What the layers say of its learning, as far as they do.
  var spec: Caffe_ParamSpec
}

extension NetworkReader {
  private mutating func write(_ blob: String) throws(LayerProblem) {
    guard written.insert(blob).inserted else {
      throw LayerProblem("blob \"\(blob)\" is written by an earlier layer already", field: "top")
    }
  }

  private func requireBottoms(
    _ layer: Caffe_LayerParameter, _ number: Int
  ) throws(LayerProblem) {
    guard !layer.bottom.isEmpty else {
      throw LayerProblem("a \"bottom\" is missing: the blob to read")
    }
    for bottom in layer.bottom where !written.contains(bottom) {
      throw unknownBlob(bottom, later: indices.dropFirst(number + 1))
    }
  }

  private mutating func operation(
    _ layer: Caffe_LayerParameter, _ index: Int, _ plan: NetworkPlan?
  ) throws(LayerProblem) -> LayerDefinition {
    // Labels that aren't among the blobs of the plan have no shape that anything depends on.
    let shapes = layer.bottom.compactMap { name in
      plan?.position(ofBlob: name).map { plan?.blobs[$0].shape ?? Shape() }
    }
    let specification = try layer.specification(on: shapes)
    try layer.checkBottoms(of: specification)
    if specification.takesLabels,
      let scores = shapes.first,
      let labels = inputs.first(where: { $0.name == layer.bottom[1] })?.shape
    {
      // Found out here, and not in the first batch: data layers may differ in their batches.
      let expected = scores.images * scores.spatialCount
      guard labels.count == expected else {
        throw LayerProblem(
          "compares scores \"\(layer.bottom[0])\" of \(scores) with labels \"\(layer.bottom[1])\" of "
            + "\(labels); there must be \(expected) labels, one for each image and position",
          field: "bottom")
      }
    }
    // Caffe names the top of a loss or metric itself when the file doesn't.
    let tops = layer.top.isEmpty && specification.takesLabels ? [layer.name] : layer.top
    let mayShowProbabilities = specification is SoftmaxWithLossSpecification
    guard tops.count == 1 || (tops.count == 2 && mayShowProbabilities) else {
      throw LayerProblem(
        "has \(tops.count) tops; a \(layer.type) layer writes "
          + (mayShowProbabilities ? "1, or 2 with the probabilities" : "1"),
        field: tops.isEmpty ? nil : "top")
    }
    for (number, top) in tops.enumerated() where number > 0 || top != layer.bottom[0] {
      try write(top)
    }
    var definition = LayerDefinition(
      name: layer.name, specification: specification, bottoms: layer.bottom, top: tops[0],
      probabilities: tops.dropFirst().first, parameters: try layer.parameterDefinitions())
    definition.propagatesDown = layer.propagateDown
    definition.lossWeight = try layer.additionalLossWeight(tops: tops.count)
    definition.phase = layer.hasPhase ? Phase(layer.phase) : nil
    definition.name = name(of: layer)
    try share(layer)
    return definition
  }

  private mutating func append(
    _ layer: LayerDefinition, _ number: Int, _ plan: inout NetworkPlan?
  ) throws(LayerProblem) {
    do throws(LayerError) {
      try plan?.append(layer)
    } catch {
      throw LayerProblem("\(error.value) \(error.rule)", field: error.field)
    }
    layers.append(layer)
    numbers.append(number)
  }

  /// The layer's name, or one of its own where an earlier one has the same.
  private mutating func name(of layer: Caffe_LayerParameter) -> String {
    let earlier = named[layer.name, default: 0]
    named[layer.name] = earlier + 1
    guard earlier > 0 else { return layer.name }
    var number = earlier + 1
    let others = Set(messages.map(\.name)).union(layers.map(\.name))
    while others.contains("\(layer.name) (\(number))") { number += 1 }
    return "\(layer.name) (\(number))"
  }

  /// Notes the parameters that the layer shares. All layers that share one have to say the same of its
  /// learning, as far as they say something; it holds for all of them (Caffe's `Net::AppendParam`).
  private mutating func share(_ layer: Caffe_LayerParameter) throws(LayerProblem) {
    for (number, spec) in layer.param.enumerated() where !spec.name.isEmpty {
      guard var known = shared[spec.name] else {
        shared[spec.name] = SharedParameter(place: (layers.count, number), spec: spec)
        continue
      }
      for (field, has, value, hadValue, earlier) in [
        ("lr_mult", spec.hasLrMult, spec.lrMult, known.spec.hasLrMult, known.spec.lrMult),
        (
          "decay_mult", spec.hasDecayMult, spec.decayMult, known.spec.hasDecayMult,
          known.spec.decayMult
        ),
      ] where has && hadValue && value != earlier {
        throw LayerProblem(
          "shares parameter \"\(spec.name)\" with \(field) \(TextPrinter.text(of: value)), but an "
            + "earlier layer has \(TextPrinter.text(of: earlier))", field: field)
      }
      if spec.hasLrMult { known.spec.lrMult = spec.lrMult }
      if spec.hasDecayMult { known.spec.decayMult = spec.decayMult }
      shared[spec.name] = known
      let (owner, parameter) = known.place
      guard layers.indices.contains(owner), layers[owner].parameters.indices.contains(parameter)
      else { continue }
      layers[owner].parameters[parameter].learningRateMultiplier = known.spec.lrMult
      layers[owner].parameters[parameter].decayMultiplier = known.spec.decayMult
    }
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
        + suggestion(for: name, among: written.sorted()), field: "bottom")
  }
}

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension NetworkReader {
  /// Throws for a network that this machine can't hold: a digit too many in a file must not end in
  /// an allocation that fails.
  ///
  /// - Parameters:
  ///   - plan: the network's.
  ///   - positions: those of its layers in the message.
  func requireMemory(
    _ plan: NetworkPlan, _ positions: [Int]
  ) throws(CaffeFileError) {
    let limit = Double(ProcessInfo.processInfo.physicalMemory)
    func bytes(_ counts: Int...) -> Double {
      counts.reduce(0) { $0 + Double($1) * Double(MemoryLayout<Float>.size) }
    }
    func text(_ bytes: Double) -> String { "\(Int(min(bytes / 0x1p30, 1e15))) GiB" }
    for input in inputs where bytes(input.shape.count) > limit {
      throw net.error(
        "blob \"\(input.name)\" of \(input.shape) takes \(text(bytes(input.shape.count))), more than "
          + "this machine's \(text(limit))", layer: indices[input.layer])
    }
    var needed = 0.0
    for (layer, position) in zip(plan.layers, positions) {
      needed += bytes(layer.parameterCount, layer.isInPlace ? 0 : layer.output.count)
      guard needed <= limit else {
        throw net.error(
          "parameters of \(layer.parameters.map(\.shape)) and output \(layer.output) bring the "
            + "network to \(text(needed)), more than this machine's \(text(limit))",
          layer: position)
      }
    }
  }
}
