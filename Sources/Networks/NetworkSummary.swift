import Layers
import Tensors

/// The table of a network: shapes and counts of every layer, and their totals.
public struct NetworkSummary: Hashable, Sendable {
  /// The network's name.
  public var network: String
  /// The input's shape, N×C×H×W.
  public var input: Shape
  /// The layers in order.
  public var layers: [LayerSummary]

  /// The sum of the layers' parameters.
  ///
  /// - Complexity: O(layers).
  public var parameterCount: Int { layers.map(\.parameterCount).saturatingSum() }
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
}

extension NetworkSummary {
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

/// The shapes and counts of one layer in a network.
public struct LayerSummary: Hashable, Sendable {
  /// The layer's name.
  public var name: String
  /// Caffe's name of its type.
  public var type: String
  /// The input's shape.
  public var input: Shape
  /// The output's shape.
  public var output: Shape
  /// Its parameters: weights, then bias.
  public var parameters: [ParameterSpecification]
  /// The multiply-accumulates of a forward pass over the batch.
  public var multiplyAccumulates: Int
  /// The input rows of the network that one output position depends on, clipped by nothing.
  public var receptiveField: Int
  /// How many input rows of the network lie between neighbouring output positions.
  public var stride: Int
  /// Whether it writes over its input.
  public var isInPlace: Bool

  /// The number of parameters.
  ///
  /// - Complexity: O(1): a layer has two parameters at most.
  public var parameterCount: Int { parameters.map(\.shape.count).saturatingSum() }
  /// Floating-point operations of a forward pass over the batch: 2 for each multiply-accumulate.
  ///
  /// - Complexity: O(1).
  public var floatingPointOperations: Int { multiplyAccumulates.saturatingProduct(2) }
}

extension NetworkDefinition {
  /// The table of this network.
  ///
  /// The receptive field r and the stride j of a layer with window w and stride s follow from
  /// those of its input: r' = r + (w − 1)·j and j' = j·s, from r = j = 1 on the image.
  ///
  /// - Throws: `LayerError` naming the first layer that is impossible.
  /// - Complexity: O(layers): all counts come from formulas.
  public func summary(batch: Int = 1) throws(LayerError) -> NetworkSummary {
    let input = try inputShape(batch: batch)
    var blobs = [data: (shape: input, receptiveField: 1, stride: 1)]
    for other in otherInputs { blobs[other.name] = (try other.shape(), 1, 1) }
    var rows: [LayerSummary] = []
    for layer in layers {
      guard let bottom = blobs[layer.bottoms.first ?? ""] else {
        throw unknownBottom(of: layer)
      }
      let row = try layer.summary(
        input: bottom.shape, receptiveField: bottom.receptiveField, stride: bottom.stride)
      blobs[layer.top] = (row.output, row.receptiveField, row.stride)
      if let probabilities = layer.probabilities { blobs[probabilities] = bottom }
      rows.append(row)
    }
    return NetworkSummary(network: name, input: input, layers: rows)
  }
}

extension LayerDefinition {
  fileprivate func summary(
    input: Shape, receptiveField: Int, stride: Int
  ) throws(LayerError) -> LayerSummary {
    let specification = operation.specification
    return try named { () throws(LayerError) in
      // First of all: it refuses what the rest couldn't compute with.
      let output = try specification.outputShape(for: input)
      let window = try specification.window(for: input)
      return LayerSummary(
        name: name, type: operation.typeName, input: input,
        output: output,
        parameters: try specification.parameters(for: input),
        multiplyAccumulates: try specification.multiplyAccumulates(for: input),
        receptiveField: [
          receptiveField, ((window?.extent.height ?? 1) - 1).saturatingProduct(stride),
        ].saturatingSum(),
        stride: stride.saturatingProduct(window?.stride.height ?? 1), isInPlace: isInPlace)
    }
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

extension Int {
  /// The product of two numbers that aren't negative, or the greatest number where it overflows.
  fileprivate func saturatingProduct(_ other: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
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
