import Layers
import Tensors

/// A network with memory, run on one version of the layers in one precision.
///
/// All tensors are allocated when the network is made; passes write into them. The layers can be
/// run one by one, so that a reader can look between them.
///
/// A network belongs to one task at a time.
public final class Network<Scalar: Tensors.Scalar> {
  /// What the network is.
  public let definition: NetworkDefinition
  /// Its blobs and layers with their shapes, counts and connections, for this batch.
  public let plan: NetworkPlan
  /// The name of the backend that computes it.
  public let backendName: String
  /// The parameters of each layer: weights, then bias; the state of a layer that has some, too.
  public var parameters: [[Tensor<Scalar>]]
  /// The gradients of the last backward pass, like `parameters`; empty without gradients. That of a frozen
  /// parameter is 0, and that of a shared one stands with the layer that owns it.
  public package(set) var parameterGradients: [[Tensor<Scalar>]]
  /// By layer, the outputs that are one number, as those of losses and of accuracy, in the last forward
  /// pass; a loss before its weight.
  public private(set) var results: [String: Scalar] = [:]
  /// Training or testing, and the source of randomness.
  public var context: RunContext

  /// Whether forward passes in training bring state up to date that isn't learnt: running means. A check
  /// that runs the network many times at one point turns it off.
  public var updatesState = true

  /// Told of each layer's passes, for those who look between them.
  public var observer: ((NetworkEvent<Scalar>) -> Void)?

  private let layers: [LayerInstance<Scalar>]
  private let sharesParameters: Bool
  /// The softmax behind each loss that shows its probabilities in a blob of their own, by layer.
  private var softmaxes: [Int: LayerInstance<Scalar>] = [:]
  private var data: [Tensor<Scalar>]
  private var gradients: [Tensor<Scalar>?]
  /// For each blob that is read several times, memory for the parts of its gradient that are added: as
  /// many tensors as one layer needs.
  private var scratch: [Int: [Tensor<Scalar>]] = [:]
  private var gradientMemory: GradientMemory<Scalar>?
  private var currentLabels: [Int] = []

  /// A network with its memory, its parameters filled.
  ///
  /// - Parameters:
  ///   - definition: what to run.
  ///   - backend: which version of the layers to run it on.
  ///   - batch: the number of images.
  ///   - scope: what a backward pass computes.
  ///   - phase: training or testing.
  ///   - seed: the start of all randomness, in the parameters and in dropout.
  ///   - parameters: those of another network of this definition, instead of freshly filled ones.
  ///   - keepingGradients: whether the gradients of blobs stay to be looked at. Without, a chain of
  ///     layers holds two of them at a time, `gradient(of:)` is `nil`, and only whole backward
  ///     passes can be run.
  /// - Throws: `LayerError` naming the first layer that is impossible or misconnected.
  /// - Complexity: O(parameters) to draw them, unless they are given. Allocates parameters, their
  ///   gradients, every blob, and every blob's gradient or, without `keepingGradients`, two of
  ///   them: CaffeNet's 61 million parameters and gradients in `Float` are 0.49 GB, whatever the
  ///   batch; blobs grow with it.
  public init(
    _ definition: NetworkDefinition, backend: some Backend<Scalar>, batch: Int = 1,
    gradients scope: GradientScope = .parameters, phase: Phase = .training, seed: UInt32 = 1,
    parameters: [[Tensor<Scalar>]]? = nil, keepingGradients: Bool = true
  ) throws(LayerError) {
    let plan = try NetworkPlan(definition, batch: batch, gradients: scope)
    if let parameters { try plan.check(parameters) }
    var layers: [LayerInstance<Scalar>] = []
    for (layer, planned) in zip(definition.layers, plan.layers) {
      if planned.probabilities != nil {
        var softmax = layer
        softmax.specification = SoftmaxSpecification()
        softmaxes[layers.count] = try LayerInstance(
          softmax, inputs: planned.inputs, backend: backend)
      }
      layers.append(try LayerInstance(layer, inputs: planned.inputs, backend: backend))
    }
    self.definition = definition
    self.plan = plan
    self.layers = layers
    backendName = backend.name
    self.parameters = parameters ?? definition.filledParameters(plan, seed: UInt64(seed))
    parameterGradients =
      scope == .none ? [] : plan.layers.map { $0.parameters.map { Tensor($0.shape) } }
    data = plan.blobs.map { Tensor($0.shape) }
    sharesParameters = plan.layers.contains(where: \.sharesParameters)
    let isChain = !plan.layers.contains { $0.accumulates.contains(true) }
    if keepingGradients || !isChain {
      gradients = plan.blobs.map { $0.needsGradient ? Tensor($0.shape) : nil }
    } else {
      gradients = plan.blobs.map { _ in nil }
      gradientMemory = GradientMemory(plan)
    }
    context = RunContext(phase: phase, seed: seed)
    for layer in plan.layers {
      var needed: [Int: Int] = [:]
      for (bottom, accumulates) in zip(layer.bottoms, layer.accumulates) where accumulates {
        needed[bottom, default: 0] += 1
      }
      for (blob, count) in needed {
        while scratch[blob, default: []].count < count {
          scratch[blob, default: []].append(Tensor(plan.blobs[blob].shape))
        }
      }
    }
    shareParameters()
  }

  /// Gives the layers that share a parameter what its owner has: after the owner's has changed, so that
  /// `parameters` says the same for all. Passes read the owner's in any case.
  ///
  /// - Complexity: O(layers); no tensor is copied.
  public func shareParameters() {
    guard sharesParameters else { return }
    for (index, layer) in plan.layers.enumerated() where layer.sharesParameters {
      parameters[index] = ownParameters(ofLayer: index)
    }
  }

  /// The parameters of a layer, each from the layer that owns it.
  private func ownParameters(ofLayer index: Int) -> [Tensor<Scalar>] {
    guard sharesParameters, plan.layers[index].sharesParameters else { return parameters[index] }
    return zip(parameters[index], plan.layers[index].owners).map { own, owner in
      owner.map { parameters[$0.layer][$0.parameter] } ?? own
    }
  }

  /// The images, N×C×H×W. Their shape stays.
  public var input: Tensor<Scalar> { data[0] }

  /// The label of each image.
  public var labels: [Int] { currentLabels }

  /// Gives the network a batch to work on.
  ///
  /// - Throws: `LayerError` when the images' shape isn't that of the network's input. Labels are
  ///   checked by the layers that read them.
  /// - Complexity: O(1): the tensor is taken over, and copied only if somebody changes it.
  public func load(images: Tensor<Scalar>, labels: [Int]) throws(LayerError) {
    guard images.shape == data[0].shape else {
      throw LayerError(
        layer: definition.data, value: "images of shape \(images.shape)",
        rule: "must have shape \(data[0].shape)")
    }
    data[0] = images
    currentLabels = labels
  }

  /// Gives the network the content of one of its other inputs.
  ///
  /// - Throws: `LayerError` when there is no such input, or it has another shape.
  /// - Complexity: O(1): the tensor is taken over, and copied only if somebody changes it.
  public func load(_ content: Tensor<Scalar>, into input: String) throws(LayerError) {
    guard definition.otherInputs.contains(where: { $0.name == input }),
      let slot = plan.position(ofBlob: input)
    else {
      let names = definition.otherInputs.map(\.name).joined(separator: ", ")
      throw LayerError(
        layer: definition.name, value: "input \"\(input)\"",
        rule: names.isEmpty
          ? "is none: there are only images and labels" : "must be one of: \(names)")
    }
    guard content.shape == data[slot].shape else {
      throw LayerError(
        layer: input, value: "content of shape \(content.shape)",
        rule: "must have shape \(data[slot].shape)")
    }
    data[slot] = content
  }

  /// The current content of a blob, `nil` if there is no blob of that name. Of a blob that layers
  /// wrote in place, only the last content is there.
  ///
  /// - Complexity: O(1): the tensor is shared until one of the two is changed.
  public func blob(_ name: String) -> Tensor<Scalar>? {
    plan.position(ofBlob: name).map { data[$0] }
  }

  /// The gradient of a blob as the last backward pass left it, `nil` where none is computed.
  ///
  /// - Complexity: O(1): the tensor is shared until one of the two is changed.
  public func gradient(of blob: String) -> Tensor<Scalar>? {
    plan.position(ofBlob: blob).flatMap { gradients[$0] }
  }

  /// Sets the gradient of a blob, for the layers that are then run backwards.
  ///
  /// - Throws: `LayerError` when no gradient of that blob is kept, or it has another shape.
  /// - Complexity: O(1): the tensor is taken over, and copied only if somebody changes it.
  public func load(gradient: Tensor<Scalar>, of blob: String) throws(LayerError) {
    guard let slot = plan.position(ofBlob: blob), let current = gradients[slot] else {
      throw LayerError(
        layer: definition.name, value: "gradient of \"\(blob)\"", rule: "is none that is kept")
    }
    guard gradient.shape == current.shape else {
      throw LayerError(
        layer: blob, value: "gradient of shape \(gradient.shape)",
        rule: "must have shape \(current.shape)")
    }
    gradients[slot] = gradient
  }

  /// The type that a layer runs on, with its module, for example `Fast.Convolution`.
  ///
  /// - Complexity: O(length).
  public func implementation(ofLayer index: Int) -> String {
    layers[index].description.implementation
  }

  /// The algorithm that runs a layer: that of the backend's own layer, or `= fast` where the backend
  /// has taken the layer from another one of that name. `nil` where the formula is all there is.
  ///
  /// - Complexity: O(rank).
  public func algorithm(ofLayer index: Int) -> String? {
    let layer = layers[index].description
    let owner = layer.implementation.prefix { $0 != "." }.lowercased()
    return owner == backendName || backendName != "tuned" ? layer.algorithm : "= \(owner)"
  }

  /// The sum of the losses, each times its weight.
  ///
  /// - Complexity: O(layers), and the size of a loss's output that is more than one number.
  public var loss: Scalar {
    plan.layers.reduce(0) { sum, layer in
      guard layer.lossWeight != 0 else { return sum }
      return data[layer.top].elements.reduce(sum) { $0 + $1 * Scalar(layer.lossWeight) }
    }
  }
}

// MARK: - Running

extension Network {
  /// Runs all layers in order and returns the loss.
  ///
  /// - Throws: `LayerError` for labels that don't fit.
  /// - Complexity: The sum of the layers' forward passes: `plan.multiplyAccumulates` products,
  ///   nearly all. Allocates nothing of tensor size.
  @discardableResult
  public func forward() throws(LayerError) -> Scalar {
    for index in layers.indices { try forward(layer: index) }
    return loss
  }

  /// Runs all layers in reverse and leaves the gradients of the loss.
  ///
  /// A layer runs only where somebody needs what it yields: not below the first parameter that learns.
  ///
  /// - Parameter accumulating: whether the parameters' gradients are added to what is there.
  /// - Complexity: The sum of the layers' backward passes: twice the products of forward, less
  ///   those for the gradient of the images unless that is asked for. Allocates nothing of tensor
  ///   size, unless layers share parameters.
  public func backward(accumulating: Bool = false) {
    for index in layers.indices.reversed() { backward(layer: index, accumulating: accumulating) }
  }

  /// Runs one layer on what the layers before it left.
  ///
  /// - Throws: `LayerError` for labels that don't fit.
  /// - Complexity: That of the layer's forward pass.
  public func forward(layer index: Int) throws(LayerError) {
    let layer = plan.layers[index]
    let specification = definition.layers[index].specification
    let phase = context.phase
    context.phase = definition.layers[index].phase ?? phase
    defer {
      context.labels = []
      context.phase = phase
    }
    if specification.takesLabels {
      context.labels = try readLabels(ofLayer: index)
      try definition.layers[index].named { () throws(LayerError) in
        try specification.checkLabels(context.labels, for: layer.inputs)
      }
    }
    switch layers[index] {
    case .outOfPlace(let instance):
      let inputs = layer.bottoms.map { data[$0] }
      instance.forward(
        inputs, parameters: ownParameters(ofLayer: index), context: &context,
        output: &data[layer.top])
      if case .outOfPlace(let softmax) = softmaxes[index], let blob = layer.probabilities {
        softmax.forward(inputs, parameters: [], context: &context, output: &data[blob])
      }
      if updatesState, context.phase == .training,
        layer.parameters.contains(where: { !$0.isLearned })
      {
        instance.updateState(&parameters[index])
      }
    case .inPlace(let instance):
      instance.forward(inPlace: &data[layer.top], context: &context)
    }
    if layer.output.rank == 0 { results[layer.name] = data[layer.top][0] }
    observer?(.didRunForward(layer: index))
  }

  /// The labels that a loss or metric compares with: those of the batch, or the content of a blob,
  /// its fractions cut off as Caffe does.
  private func readLabels(ofLayer index: Int) throws(LayerError) -> [Int] {
    guard let blob = plan.layers[index].labels else { return currentLabels }
    var labels: [Int] = []
    labels.reserveCapacity(data[blob].count)
    for (position, value) in data[blob].elements.enumerated() {
      let number = value.doubleValue
      guard abs(number) <= Double(Int32.max) else {
        throw LayerError(
          layer: definition.layers[index].name, value: "label \(number) at position \(position)",
          rule: "must be a class")
      }
      labels.append(Int(number))
    }
    return labels
  }

  /// Runs one layer backwards on what the layers behind it left.
  ///
  /// - Complexity: That of the layer's backward pass.
  public func backward(layer index: Int, accumulating: Bool = false) {
    let layer = plan.layers[index]
    // First of all: in place, the memory taken below is that of the output, and must be 0 if nobody has
    // written it.
    startOutputGradient(of: layer)
    for (bottom, propagates) in zip(layer.bottoms, layer.propagates)
    where propagates && gradients[bottom] == nil {
      gradients[bottom] = gradientMemory?.take(bottom)
    }
    observer?(.willRunBackward(layer: index))
    defer { forget(layer) }
    switch layers[index] {
    case .inPlace(let instance):
      guard layer.propagates[0] else {
        gradients[layer.top].update { $0.fill(with: 0) }
        return
      }
      gradients[layer.top].update { instance.backward(inPlace: &$0, output: data[layer.top]) }
      observer?(.didRunBackward(layer: index, inputGradients: [gradients[layer.top]]))
    case .outOfPlace(let instance):
      guard definition.layers[index].specification.isDifferentiable,
        let outputGradient = gradients[layer.top]
      else { return }
      // Taken out, so that the layer writes into them while the other gradients are read.
      var parts = layer.bottoms.indices.map { takeGradient(ofInput: $0, of: layer) }
      instance.backward(
        outputGradient: outputGradient, inputs: layer.bottoms.map { data[$0] },
        output: data[layer.top], parameters: ownParameters(ofLayer: index), inputGradients: &parts,
        parameterGradients: &parameterGradients[index], accumulating: accumulating)
      finishParameterGradients(ofLayer: index)
      observer?(.didRunBackward(layer: index, inputGradients: parts))
      for number in layer.bottoms.indices {
        putBack(parts[number].take(), ofInput: number, of: layer)
      }
    }
  }

  /// Frozen parameters have no gradient, and that of a shared one is its owner's: the sum over the layers
  /// that share it, all of which have run before in a backward pass.
  private func finishParameterGradients(ofLayer index: Int) {
    let layer = plan.layers[index]
    for (number, parameter) in layer.parameters.enumerated()
    where parameter.isLearned && !layer.learns[number] {
      parameterGradients[index][number].fill(with: 0)
    }
    guard sharesParameters else { return }
    for (sharer, planned) in plan.layers.enumerated() where planned.sharesParameters {
      for (number, owner) in planned.owners.enumerated() {
        guard let owner, owner.layer == index else { continue }
        // Out of the array, which can't be changed in one place and read in another.
        let part = parameterGradients[sharer][number]
        parameterGradients[index][owner.parameter].add(part)
        parameterGradients[sharer][number] = Tensor(part.shape)
      }
    }
  }

  /// What the layers behind don't write of an output's gradient: the loss weight of a loss, and 0 where
  /// no layer behind has written anything into memory that goes round.
  private func startOutputGradient(of layer: NetworkPlan.Layer) {
    if gradients[layer.top] == nil {
      gradients[layer.top] = gradientMemory?.take(layer.top)
      gradients[layer.top].update { $0.fill(with: 0) }
    }
    guard layer.lossWeight != 0 else { return }
    gradients[layer.top].update { gradient in
      if !layer.accumulatesLossWeight { gradient.fill(with: 0) }
      for i in 0..<gradient.count { gradient[i] += Scalar(layer.lossWeight) }
    }
  }

  private func takeGradient(ofInput number: Int, of layer: NetworkPlan.Layer) -> Tensor<Scalar>? {
    guard layer.propagates[number] else { return nil }
    let blob = layer.bottoms[number]
    return layer.accumulates[number] ? scratch[blob]?.popLast() : gradients[blob].take()
  }

  private func putBack(
    _ part: consuming Tensor<Scalar>?, ofInput number: Int, of layer: NetworkPlan.Layer
  ) {
    guard let part else { return }
    let blob = layer.bottoms[number]
    if layer.accumulates[number] {
      gradients[blob].update { $0.add(part) }
      scratch[blob]?.append(part)
    } else {
      gradients[blob] = part
    }
  }

  /// Gives back the gradient that a layer has passed on, where gradients aren't kept.
  private func forget(_ layer: NetworkPlan.Layer) {
    guard gradientMemory != nil, !layer.isInPlace, let passed = gradients[layer.top].take()
    else { return }
    gradientMemory?.giveBack(passed, of: layer.top)
  }
}

/// What a network tells its observer. It may look at blobs, parameters and gradients meanwhile, but must
/// neither run nor change the network.
public enum NetworkEvent<Scalar: Tensors.Scalar> {
  /// A layer has run forwards.
  case didRunForward(layer: Int)
  /// A layer is about to run backwards, if it has to: the gradient of its output is complete.
  case willRunBackward(layer: Int)
  /// A layer has run backwards, with the part of each input's gradient that is its own; `nil` where it
  /// passes none on.
  case didRunBackward(layer: Int, inputGradients: [Tensor<Scalar>?])
}
