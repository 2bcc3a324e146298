import Layers
import Tensors

/// A network's blobs and layers with their shapes, counts and connections, worked out once from its
/// definition. Everything that asks for these reads them here.
public struct NetworkPlan: Hashable, Sendable {
  /// The network's name.
  public private(set) var network: String
  /// The blobs: the images first, the other inputs, then each layer's output that has memory of its own.
  public private(set) var blobs: [Blob] = []
  /// The layers in order.
  public private(set) var layers: [Layer] = []

  private var positions: [String: Int] = [:]
  private var names: Set<String> = []
  private let data: String
  private let label: String
  private let scope: GradientScope
  private var use = BlobUse()
  /// The parameters that have a name, for later layers to share.
  private var namedParameters: [String: ParameterPlace] = [:]

  /// A plan of a network.
  ///
  /// The receptive field r, the stride j and the origin o of a layer with window w, stride s and pad p
  /// follow from those of its input: r' = r + (w − 1)·j, j' = j·s and o' = o − p·j, from r = j = 1 and
  /// o = 0 on the image. Of several inputs, the largest field counts, the largest stride and the first
  /// origin.
  ///
  /// - Parameters:
  ///   - definition: the network.
  ///   - batch: the number of images.
  ///   - gradients: what a backward pass is to compute. Without one, a layer in place may write over
  ///     what only a backward pass would need.
  /// - Throws: `LayerError` naming the first layer that is impossible or misconnected: each reads what is
  ///   an input or the top of an earlier layer, and none writes over a blob that is needed again.
  /// - Complexity: O(layers): all counts come from formulas.
  public init(
    _ definition: NetworkDefinition, batch: Int = 1, gradients: GradientScope = .parameters
  ) throws(LayerError) {
    network = definition.name
    (data, label, scope) = (definition.data, definition.label, gradients)
    let wantsInput = gradients == .parametersAndInput
    add(
      Blob(
        name: definition.data, shape: try definition.inputShape(batch: batch),
        needsGradient: wantsInput))
    for other in definition.otherInputs {
      guard positions[other.name] == nil, other.name != definition.label else {
        throw LayerError(
          layer: definition.name, value: "input \"\(other.name)\"",
          rule: "must not have the name of another input")
      }
      add(Blob(name: other.name, shape: try other.shape(), needsGradient: wantsInput))
    }
    for layer in definition.layers { try append(layer) }
  }

  /// Whether a backward pass is planned.
  package var hasBackwardPass: Bool { scope != .none }

  /// The position of a blob in `blobs`, `nil` if there is none of that name.
  public func position(ofBlob name: String) -> Int? { positions[name] }

  /// The blob that a layer writes.
  public func output(ofLayer index: Int) -> Blob { blobs[layers[index].top] }

  /// The input's shape, N×C×H×W.
  public var input: Shape { blobs[0].shape }
}

extension NetworkPlan {
  /// A tensor of a network, and its gradient.
  public struct Blob: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its extents.
    public var shape: Shape
    /// The rows of the image that one position depends on, clipped by nothing.
    public var receptiveField = 1
    /// How many rows of the image lie between neighbouring positions.
    public var stride = 1
    /// The first row of the image that the first row depends on; below 0 where it lies in the padding.
    public var origin = 0
    /// Whether the error by this blob is needed for a gradient that is asked for.
    public var needsGradient: Bool
  }

  /// The shapes, counts and connections of one layer.
  public struct Layer: Hashable, Sendable {
    /// The layer's name.
    public var name: String
    /// Caffe's name of its type.
    public var type: String
    /// Where its inputs are in `blobs`.
    public var bottoms: [Int]
    /// Where its labels are in `blobs`, if they are a blob and not those of the batch.
    public var labels: Int?
    /// Where its output is in `blobs`.
    public var top: Int
    /// Where a loss shows its probabilities, if it does.
    public var probabilities: Int?
    /// The inputs' shapes.
    public var inputs: [Shape]
    /// The output's shape.
    public var output: Shape
    /// Its parameters: weights, then bias.
    public var parameters: [ParameterSpecification]
    /// The multiply-accumulates of a forward pass over the batch.
    public var multiplyAccumulates: Int
    /// Whether it writes over its input.
    public var isInPlace: Bool
    /// The factor of its output in the network's loss; 0 if it is none.
    public var lossWeight: Double
    /// For each parameter, whether its gradient is computed: not for state, nor where the rate is 0.
    public var learns: [Bool]
    /// For each parameter that an earlier layer owns and this one shares, where it is.
    public var owners: [ParameterPlace?]
    /// For each input, whether the backward pass passes an error on to it.
    public var propagates: [Bool]
    /// For each input, whether the error is added, because a layer that is behind this one, or an
    /// earlier input of this one, has written the blob's gradient before.
    public var accumulates: [Bool]
    /// Whether the loss weight is added to the gradient that layers behind a loss have left.
    public var accumulatesLossWeight = false
    /// The rows of the image that one output position depends on, clipped by nothing.
    public var receptiveField: Int
    /// How many rows of the image lie between neighbouring output positions.
    public var stride: Int

    /// The first input's shape; a scalar's for a layer without inputs.
    ///
    /// - Complexity: O(rank).
    public var input: Shape { inputs.first ?? Shape() }
    /// The number of parameters, state and shared ones included.
    ///
    /// - Complexity: O(parameters' tensors): a few.
    public var parameterCount: Int { parameters.map(\.shape.count).saturatingSum() }
    /// Whether some of its parameters are an earlier layer's.
    ///
    /// - Complexity: O(parameters' tensors): a few.
    public var sharesParameters: Bool { owners.contains { $0 != nil } }
    /// Floating-point operations of a forward pass over the batch: 2 for each multiply-accumulate.
    ///
    /// - Complexity: O(1).
    public var floatingPointOperations: Int { multiplyAccumulates.saturatingProduct(2) }
  }

  /// Which parameter of which layer.
  public struct ParameterPlace: Hashable, Sendable {
    /// The layer's number.
    public var layer: Int
    /// The parameter's number among those of the layer.
    public var parameter: Int
  }

  /// The sum of the layers' parameters, shared ones counted once.
  ///
  /// - Complexity: O(layers).
  public var parameterCount: Int {
    layers.flatMap { layer in
      zip(layer.parameters, layer.owners).filter { $1 == nil }.map(\.0.shape.count)
    }.saturatingSum()
  }
  /// The sum of the layers' multiply-accumulates.
  ///
  /// - Complexity: O(layers).
  public var multiplyAccumulates: Int { layers.map(\.multiplyAccumulates).saturatingSum() }
  /// Floating-point operations: 2 for each multiply-accumulate.
  ///
  /// - Complexity: O(layers).
  public var floatingPointOperations: Int { multiplyAccumulates.saturatingProduct(2) }
  /// The values in all outputs that have memory of their own.
  ///
  /// - Complexity: O(layers).
  public var outputCount: Int {
    layers.filter { !$0.isInPlace }.map(\.output.count).saturatingSum()
  }

  /// Throws unless there is a tensor of the right shape for every parameter of every layer.
  func check<Scalar>(_ parameters: [[Tensor<Scalar>]]) throws(LayerError) {
    guard parameters.count == layers.count else {
      throw LayerError(
        layer: network, value: "parameters for \(parameters.count) layers",
        rule: "must be for \(layers.count)")
    }
    for (layer, tensors) in zip(layers, parameters) {
      let (actual, expected) = (tensors.map(\.shape), layer.parameters.map(\.shape))
      guard actual == expected else {
        throw LayerError(
          layer: layer.name, value: "parameters of shapes \(actual)", rule: "must be \(expected)")
      }
    }
  }
}

// MARK: - Planning

/// By whom blobs are read that a layer might want to write over, and who writes their gradients.
private struct BlobUse: Hashable {
  /// The last layer that reads each blob out of place.
  var readers: [Int: String] = [:]
  /// The layers that need their output again, by its blob.
  var producers: [Int: String] = [:]
  /// The layers in place that need the signs of their output again, by its blob.
  var signs: [Int: String] = [:]
  /// The layer that is the first to write each blob's gradient in a backward pass, and to which of its
  /// inputs the blob belongs: the last one to read it.
  var gradientWriters: [Int: NetworkPlan.ParameterPlace] = [:]
  /// The layer whose output each blob is.
  var writers: [Int: Int] = [:]
}

extension NetworkPlan {
  private mutating func add(_ blob: Blob) {
    positions[blob.name] = blobs.count
    blobs.append(blob)
  }

  /// Adds a layer behind the others.
  ///
  /// - Throws: `LayerError` naming the layer, where it is impossible or misconnected.
  /// - Complexity: O(bottoms + parameters).
  public mutating func append(_ layer: LayerDefinition) throws(LayerError) {
    guard !names.contains(layer.name) else {
      throw layer.error("name", "must not be that of an earlier layer")
    }
    let specification = layer.specification
    var planned = try connected(layer)
    let read = planned.bottoms.map { blobs[$0] }
    try addParameters(of: layer, to: &planned)
    let passesError = specification.isDifferentiable && scope != .none
    planned.propagates = read.enumerated().map { number, blob in
      passesError && blob.needsGradient
        && (layer.propagatesDown.indices.contains(number) ? layer.propagatesDown[number] : true)
    }
    planned.accumulates = read.map { _ in false }
    if planned.lossWeight != 0 {
      guard scope == .none || (passesError && !planned.isInPlace) else {
        throw layer.error(
          "loss weight \(planned.lossWeight)",
          "is not possible for a layer that \(passesError ? "works in place" : "has no gradient")")
      }
    }
    if planned.isInPlace {
      try refuseOverwriting(layer, blob: planned.top, output: planned.output)
      switch specification.inPlaceBackwardReads {
      case .values: use.producers[planned.top] = layer.name
      case .signs: use.signs[planned.top] = layer.name
      case .nothing: break
      }
    } else {
      guard positions[layer.top] == nil, layer.top != label else {
        throw layer.error("top \"\(layer.top)\"", "must not be that of an earlier layer")
      }
      let origin = read.first?.origin ?? 0
      let window = try layer.named { () throws(LayerError) in
        try specification.window(for: planned.inputs)
      }
      planned.top = blobs.count
      add(
        Blob(
          name: layer.top, shape: planned.output, receptiveField: planned.receptiveField,
          stride: planned.stride,
          origin: origin.saturatingDifference(
            (window?.pad.height ?? 0).saturatingProduct(read.first?.stride ?? 1)),
          needsGradient: passesError
            && (planned.learns.contains(true) || planned.propagates.contains(true))))
      if specification.backwardReadsOutput || planned.lossWeight != 0 {
        use.producers[planned.top] = layer.name
      }
      for bottom in planned.bottoms { use.readers[bottom] = layer.name }
      use.writers[planned.top] = layers.count
      addGradientWriters(&planned)
    }
    if let name = layer.probabilities {
      guard specification is SoftmaxWithLossSpecification, let scores = read.first else {
        throw layer.error("a second top", "is not possible: only a loss has probabilities to show")
      }
      guard positions[name] == nil, name != label else {
        throw layer.error("top \"\(name)\"", "must not be that of an earlier layer")
      }
      planned.probabilities = blobs.count
      var probabilities = scores
      probabilities.name = name
      probabilities.needsGradient = false
      add(probabilities)
    }
    names.insert(layer.name)
    layers.append(planned)
  }

  /// Which parameters learn, and which are an earlier layer's.
  private mutating func addParameters(
    of layer: LayerDefinition, to planned: inout Layer
  ) throws(LayerError) {
    for (number, parameter) in planned.parameters.enumerated() {
      let definition = layer.parameter(number)
      planned.learns.append(
        scope != .none && parameter.isLearned
          && (definition.learningRateMultiplier != 0 || scope == .parametersAndInput))
      guard let name = definition.name else {
        planned.owners.append(nil)
        continue
      }
      let owner = namedParameters[name]
      planned.owners.append(owner)
      guard let owner else {
        namedParameters[name] = ParameterPlace(layer: layers.count, parameter: number)
        continue
      }
      // A layer that shares with itself isn't in `layers` yet.
      let owning = owner.layer < layers.count ? layers[owner.layer] : planned
      let shape = owning.parameters[owner.parameter].shape
      guard shape == parameter.shape else {
        throw layer.error(
          "parameter \"\(name)\" of \(parameter.shape)",
          "must have the shape \(shape) that it has in layer \"\(owning.name)\", which shares it")
      }
    }
  }

  /// Backwards, all but the first to write a blob's gradient have to add to it: the last to read it.
  private mutating func addGradientWriters(_ planned: inout Layer) {
    for (number, bottom) in planned.bottoms.enumerated() where planned.propagates[number] {
      let place = ParameterPlace(layer: layers.count, parameter: number)
      if let earlier = use.gradientWriters[bottom] {
        if earlier.layer == layers.count {
          planned.accumulates[number] = true
          continue
        }
        layers[earlier.layer].accumulates[earlier.parameter] = true
      } else if let writer = use.writers[bottom], layers[writer].lossWeight != 0 {
        layers[writer].accumulatesLossWeight = true
      }
      use.gradientWriters[bottom] = place
    }
  }

  /// A layer with its inputs and what follows from them; its top is its first bottom for now.
  private func connected(_ layer: LayerDefinition) throws(LayerError) -> Layer {
    let specification = layer.specification
    let takesLabels = specification.takesLabels
    if specification is any SingleInputSpecification {
      let expected = takesLabels ? 2 : 1
      guard layer.bottoms.count == expected else {
        throw layer.error(
          "\(layer.bottoms.count) bottoms", "must be \(expected) for a \(layer.typeName) layer")
      }
    }
    var labels: Int?
    if takesLabels {
      let name = layer.bottoms.last ?? ""
      labels = positions[name]
      guard labels != nil || name == label else {
        throw layer.error(
          "bottom \"\(name)\"",
          "must be the labels, \"\(label)\", or the top of an earlier layer")
      }
    }
    var bottoms: [Int] = []
    for name in takesLabels ? layer.bottoms.dropLast() : layer.bottoms[...] {
      guard let bottom = positions[name] else {
        throw layer.error(
          "bottom \"\(name)\"", "must be \"\(data)\" or the top of an earlier layer")
      }
      bottoms.append(bottom)
    }
    let read = bottoms.map { blobs[$0] }
    let shapes = read.map(\.shape)
    let stride = read.map(\.stride).max() ?? 1
    return try layer.named { () throws(LayerError) in
      // First of all: it refuses what the rest couldn't compute with.
      let output = try specification.outputShape(for: shapes)
      let window = try specification.window(for: shapes)
      return Layer(
        name: layer.name, type: layer.typeName, bottoms: bottoms, labels: labels,
        top: bottoms.first ?? 0, inputs: shapes, output: output,
        parameters: try specification.parameters(for: shapes),
        multiplyAccumulates: try specification.multiplyAccumulates(for: shapes),
        isInPlace: layer.isInPlace, lossWeight: layer.lossWeight ?? specification.lossWeight,
        learns: [], owners: [], propagates: [], accumulates: [],
        receptiveField: [
          read.map(\.receptiveField).max() ?? 1,
          ((window?.extent.height ?? 1) - 1).saturatingProduct(stride),
        ].saturatingSum(),
        stride: stride.saturatingProduct(window?.stride.height ?? 1))
    }
  }

  private func refuseOverwriting(
    _ layer: LayerDefinition, blob: Int, output: Shape
  ) throws(LayerError) {
    if let obstacle = layer.specification.inPlaceObstacle {
      throw layer.error("top equal to its bottom", "is not possible: \(obstacle)")
    }
    guard output == blobs[blob].shape else {
      throw layer.error(
        "top equal to its bottom",
        "is not possible: the output \(output) has not the shape of the input \(blobs[blob].shape)")
    }
    guard scope != .none else { return }
    if let reader = use.readers[blob] {
      throw layer.error(
        "top \"\(layer.top)\"",
        "must not be written over: layer \"\(reader)\" reads it and needs it again backwards")
    }
    if let producer = use.producers[blob] {
      throw layer.error(
        "top \"\(layer.top)\"",
        "must not be written over: layer \"\(producer)\" needs its output again backwards")
    }
    if let producer = use.signs[blob], !layer.specification.keepsSigns {
      throw layer.error(
        "top \"\(layer.top)\"",
        "must not be written over: layer \"\(producer)\" needs the signs of its output again backwards"
      )
    }
  }
}

extension LayerDefinition {
  fileprivate func error(_ value: String, _ rule: String) -> LayerError {
    LayerError(layer: name, value: value, rule: rule)
  }

  /// Runs something that this layer's specification may refuse, and puts the layer's name into
  /// the error.
  func named<Result>(_ body: () throws(LayerError) -> Result) throws(LayerError) -> Result {
    do {
      return try body()
    } catch {
      var error = error
      error.layer = name
      throw error
    }
  }
}

/// Of what a network computes gradients.
public enum GradientScope: Hashable, Sendable {
  /// Of nothing: the network only runs forwards.
  case none
  /// Of the parameters, and of the blobs on the way to them.
  case parameters
  /// Of the input images too, Caffe's `force_backward`.
  case parametersAndInput
}

extension Int {
  /// The product of two numbers that aren't negative, or the greatest number where it overflows.
  fileprivate func saturatingProduct(_ other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}

extension Int {
  /// A number less one that isn't negative, or the least number where that overflows.
  fileprivate func saturatingDifference(_ other: Int) -> Int {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? .min : difference
  }
}

extension [Int] {
  /// The sum of numbers that aren't negative, or the greatest number where it overflows.
  fileprivate func saturatingSum() -> Int {
    reduce(0) { sum, next in
      let (total, overflow) = sum.addingReportingOverflow(next)
      return overflow ? .max : total
    }
  }
}
