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
  /// Its shapes and counts for this batch.
  public let summary: NetworkSummary
  /// The name of the backend that computes it.
  public let backendName: String
  /// The parameters of each layer: weights, then bias.
  public var parameters: [[Tensor<Scalar>]]
  /// The gradients of the last backward pass, like `parameters`; empty without gradients.
  public private(set) var parameterGradients: [[Tensor<Scalar>]]
  /// The results of the losses and metrics in the last forward pass, before their weight.
  public private(set) var results: [String: Scalar] = [:]
  /// Training or testing, and the source of randomness.
  public var context: RunContext

  private let wiring: Wiring
  private let layers: [RunningLayer<Scalar>]
  private var data: [Tensor<Scalar>]
  private var gradients: [Tensor<Scalar>?]
  /// For each blob that several layers read, memory for all but the first part of its gradient.
  private var scratch: [Int: Tensor<Scalar>]
  private var gradientMemory: GradientMemory<Scalar>?
  private var currentLabels: [Int] = []
  /// The labels that layers have read from blobs in the last forward pass, by layer.
  private var labelsFromBlobs: [Int: [Int]] = [:]

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
  ///   - fusing: whether a layer may do the ReLU in place behind it along with its own work, where
  ///     the backend can. The content of its blob before the ReLU is then not to be seen.
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
    parameters: [[Tensor<Scalar>]]? = nil, fusing: Bool = false,
    keepingGradients: Bool = true
  ) throws(LayerError) {
    let input = try definition.inputShape(batch: batch)
    let wiring = try Wiring(definition, input: input, gradients: scope)
    let summary = try definition.summary(batch: batch)
    var layers: [RunningLayer<Scalar>] = []
    for (index, layer) in definition.layers.enumerated() where index == layers.count {
      let input = wiring.shapes[wiring.connections[index].bottom]
      let relu = fusing ? definition.reluInPlace(behind: index) : nil
      let made = try layer.named { () throws(LayerError) in
        try RunningLayer.make(layer, followedBy: relu, input: input, backend: backend)
      }
      layers.append(made.layer)
      if made.fusesReLU { layers.append(.fused) }
    }
    if let parameters { try summary.check(parameters) }
    self.definition = definition
    self.summary = summary
    self.wiring = wiring
    self.layers = layers
    backendName = backend.name
    self.parameters = parameters ?? definition.filledParameters(summary, seed: UInt64(seed))
    parameterGradients =
      scope == .none ? [] : summary.layers.map { $0.parameters.map { Tensor($0.shape) } }
    data = wiring.shapes.map { Tensor($0) }
    let isChain = !wiring.connections.contains(where: \.sharesBottom)
    if keepingGradients || !isChain {
      gradients = zip(wiring.shapes, wiring.needsGradient).map { $1 ? Tensor($0) : nil }
    } else {
      gradients = wiring.shapes.map { _ in nil }
      gradientMemory = GradientMemory(wiring)
    }
    context = RunContext(phase: phase, seed: seed)
    scratch = [:]
    for connection in wiring.connections where connection.sharesBottom {
      scratch[connection.bottom] = Tensor(wiring.shapes[connection.bottom])
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
      let slot = wiring.slots[input]
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
    wiring.slots[name].map { data[$0] }
  }

  /// The gradient of a blob as the last backward pass left it, `nil` where none is computed.
  ///
  /// - Complexity: O(1): the tensor is shared until one of the two is changed.
  public func gradient(of blob: String) -> Tensor<Scalar>? {
    wiring.slots[blob].flatMap { gradients[$0] }
  }

  /// Sets the gradient of a blob, for the layers that are then run backwards.
  ///
  /// - Throws: `LayerError` when no gradient of that blob is kept, or it has another shape.
  /// - Complexity: O(1): the tensor is taken over, and copied only if somebody changes it.
  public func load(gradient: Tensor<Scalar>, of blob: String) throws(LayerError) {
    guard let slot = wiring.slots[blob], let current = gradients[slot] else {
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

  /// Where a layer's code is.
  public func source(ofLayer index: Int) -> SourceLocation? {
    layers[index].source
  }

  /// The algorithm that runs a layer: that of the backend's own layer, or `= fast` where the backend
  /// has taken the layer from another one of that name. `nil` where the formula is all there is.
  public func algorithm(ofLayer index: Int) -> String? {
    guard case .layer(let step) = layers[index] else { return nil }
    let owner = step.module.lowercased()
    return owner == backendName || backendName != "tuned" ? step.algorithm : "= \(owner)"
  }

  /// The sum of the losses, each times its weight.
  ///
  /// - Complexity: O(layers).
  public var loss: Scalar {
    var sum: Scalar = 0
    for (definition, layer) in zip(definition.layers, layers) {
      if case .loss(let step, _) = layer, let result = results[definition.name] {
        sum += result * Scalar(step.lossWeight)
      }
    }
    return sum
  }
}

// MARK: - Running

extension Network {
  /// Runs all layers in order and returns the loss.
  ///
  /// - Throws: `LayerError` for labels that don't fit.
  /// - Complexity: The sum of the layers' forward passes: `summary.multiplyAccumulates` products,
  ///   nearly all. Allocates nothing of tensor size.
  @discardableResult
  public func forward() throws(LayerError) -> Scalar {
    for index in layers.indices { try forward(layer: index) }
    return loss
  }

  /// Runs all layers in reverse and leaves the gradients of the loss.
  ///
  /// - Parameter accumulating: whether the parameters' gradients are added to what is there.
  /// - Complexity: The sum of the layers' backward passes: twice the products of forward, less
  ///   those for the gradient of the images unless that is asked for. Allocates nothing of tensor
  ///   size.
  public func backward(accumulating: Bool = false) {
    for index in layers.indices.reversed() { backward(layer: index, accumulating: accumulating) }
  }

  /// Runs one layer on what the layers before it left.
  ///
  /// - Throws: `LayerError` for labels that don't fit.
  /// - Complexity: That of the layer's forward pass.
  public func forward(layer index: Int) throws(LayerError) {
    let connection = wiring.connections[index]
    let (bottom, top) = (connection.bottom, connection.top)
    switch layers[index] {
    case .layer(let step):
      step.forward(
        data[bottom], parameters: parameters[index], context: &context, output: &data[top])
    case .inPlace(let step):
      step.forward(inPlace: &data[top], context: &context)
    case .loss(let step, let softmax):
      let labels = try readLabels(ofLayer: index)
      let result = try definition.layers[index].named { () throws(LayerError) in
        try step.forward(scores: data[bottom], labels: labels)
      }
      record(result, of: index)
      if let softmax, let slot = connection.probabilities {
        softmax.forward(data[bottom], parameters: [], context: &context, output: &data[slot])
      }
    case .metric(let metric):
      let labels = try readLabels(ofLayer: index)
      let result = try definition.layers[index].named { () throws(LayerError) in
        try metric.measure(scores: data[bottom], labels: labels)
      }
      record(result, of: index)
    case .fused:
      break
    }
  }

  /// The labels that a loss or metric compares with: those of the batch, or the content of a blob,
  /// its fractions cut off as Caffe does.
  private func readLabels(ofLayer index: Int) throws(LayerError) -> [Int] {
    guard let slot = wiring.connections[index].labels else { return currentLabels }
    var labels: [Int] = []
    labels.reserveCapacity(data[slot].count)
    for (position, value) in data[slot].elements.enumerated() {
      let number = value.doubleValue
      guard abs(number) <= Double(Int32.max) else {
        throw LayerError(
          layer: definition.layers[index].name, value: "label \(number) at position \(position)",
          rule: "must be a class")
      }
      labels.append(Int(number))
    }
    labelsFromBlobs[index] = labels
    return labels
  }

  private func record(_ result: Scalar, of index: Int) {
    results[definition.layers[index].name] = result
    data[wiring.connections[index].top][0] = result
  }

  /// Runs one layer backwards on what the layers behind it left.
  ///
  /// - Complexity: That of the layer's backward pass.
  public func backward(layer index: Int, accumulating: Bool = false) {
    let connection = wiring.connections[index]
    let slot = connection.bottom
    if connection.propagates, gradients[slot] == nil {
      gradients[slot] = gradientMemory?.take(slot)
    }
    defer { forget(connection) }
    // Taken out, so that the layer writes into it while the other gradients are read.
    if connection.sharesBottom {
      var part = scratch[slot].take()
      run(backward: index, into: &part, accumulating: accumulating)
      if let part { gradients[slot].update { $0.add(part) } }
      scratch[slot] = part
    } else {
      var whole = gradients[slot].take()
      run(backward: index, into: &whole, accumulating: accumulating)
      gradients[slot] = whole
    }
  }

  /// Gives back the gradient that a layer has passed on, where gradients aren't kept.
  private func forget(_ connection: Wiring.Connection) {
    guard gradientMemory != nil, connection.top != connection.bottom,
      let passed = gradients[connection.top].take()
    else { return }
    gradientMemory?.giveBack(passed, of: connection.top)
  }

  private func run(
    backward index: Int, into inputGradient: inout Tensor<Scalar>?, accumulating: Bool
  ) {
    let connection = wiring.connections[index]
    switch layers[index] {
    case .layer(let step):
      guard let outputGradient = gradients[connection.top] else { return }
      step.backward(
        outputGradient: outputGradient, input: data[connection.bottom],
        output: data[connection.top], parameters: parameters[index],
        inputGradient: &inputGradient, parameterGradients: &parameterGradients[index],
        accumulating: accumulating)
    case .inPlace(let step):
      inputGradient.update { step.backward(inPlace: &$0, output: data[connection.top]) }
    case .loss(let step, _):
      let labels = labelsFromBlobs[index] ?? currentLabels
      inputGradient.update { step.backward(labels: labels, scoresGradient: &$0) }
    case .metric, .fused:
      break
    }
  }
}
