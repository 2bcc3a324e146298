import Datasets
import Fast
import Layers
import Networks
import RealModule
import Reference
import Tensors

/// Runs a network on both versions, layer by layer, and reports on each.
struct TourGuide {
  /// The network.
  var definition: NetworkDefinition
  /// The image, 1×3×H×W, and its class.
  var image: Tensor<Float>
  var label: Int
  /// What the image is.
  var imageName: String
  var seed: UInt32
  var progress: Progress

  /// The number of steps that `run` reports to its progress.
  static func steps(of definition: NetworkDefinition) -> Int {
    2 + 2 * definition.layers.count
  }

  /// Runs forwards and backwards.
  ///
  /// - Throws: `LayerError` for an impossible network, or an image that doesn't fit it.
  func run() throws -> TourReport {
    progress.step("filling \(definition.name)'s parameters")
    let naive = try Network(definition, backend: ReferenceBackend<Float>(), seed: seed)
    progress.step("laying out the optimized version")
    let fast = try Network(
      definition, backend: FastBackend<Float>(), seed: seed, parameters: naive.parameters)
    try naive.load(images: image, labels: [label])
    try fast.load(images: image, labels: [label])

    // Once through, so that the optimized version's times hold no first touch of its memory.
    let context = fast.context
    try fast.forward()
    fast.backward()
    fast.context = context

    var layers = try definition.layers.indices.map { index in
      try forward(index, naive, fast)
    }
    for index in layers.indices.reversed() {
      layers[index].backward = backward(index, naive, fast)
    }
    progress.finish()

    let scores = naive.blob(definition.layers.last?.bottoms[0] ?? "") ?? image
    return TourReport(
      network: definition.name, isDeterministic: false,
      image: .init(
        name: imageName, label: label, isLabelAssumed: false,
        picture: .colour(image, image: 0, lower: 0, upper: 255, adding: [104, 117, 123])),
      input: naive.summary.input.channelsHeightWidth,
      seed: seed, weights: .init(source: "random numbers from seed \(seed)", isTrained: false),
      layers: layers, loss: Double(naive.loss), fastLoss: Double(fast.loss),
      classes: scores.count, parameters: naive.summary.parameterCount,
      macs: naive.summary.multiplyAccumulates, flops: naive.summary.floatingPointOperations,
      lossExplanation: lossExplanation(Double(naive.loss), scores), predictions: [],
      totals: .init(types: [], outputBytes: 0, parameterBytes: 0))
  }

  // MARK: - Forwards

  private func forward(
    _ index: Int, _ naive: Network<Float>, _ fast: Network<Float>
  ) throws -> LayerReport {
    let layer = definition.layers[index]
    let summary = naive.summary.layers[index]
    progress.step("forwards: \(layer.name)")

    // In place, the layer writes over what the hand computation starts from: keep it.
    let input = naive.blob(layer.bottoms[0]) ?? image
    let context = naive.context
    let naiveSeconds = try seconds { try naive.forward(layer: index) }
    let fastSeconds = try seconds { try fast.forward(layer: index) }
    let output = naive.blob(layer.top) ?? input
    let fastOutput = fast.blob(layer.top) ?? input

    let explanation = Explanation(layer.operation, input: summary.input, output: summary.output)
    let example = HandComputation(
      layer.operation, at: telling(output), input: input, output: summary.output,
      parameters: naive.parameters[index], context: context, label: label)
    return LayerReport(
      number: index + 1, name: layer.name, type: summary.type, explanation: explanation.summary,
      formula: explanation.formula, formulaParts: [], arithmetic: explanation.arithmetic,
      settings: .init(), input: summary.input.channelsHeightWidth,
      output: summary.output.channelsHeightWidth,
      isInPlace: summary.isInPlace, groups: [], parameters: parameters(summary),
      macs: summary.multiplyAccumulates, flops: summary.floatingPointOperations,
      memoryBytes: .init(
        output: summary.isInPlace ? 0 : bytes(summary.output.count),
        parameters: bytes(summary.parameterCount)),
      receptiveField: summary.receptiveField, stride: summary.stride,
      statistics: Statistics(output), histogram: Histogram(output), silence: Silence(output),
      maps: [],
      filters: layer.bottoms[0] == definition.data
        ? naive.parameters[index].first.map(Raster.filters) ?? [] : [],
      example: .init(
        position: example.place, output: [], steps: example.steps, byHand: example.value,
        naive: Double(output[example.position]), fast: Double(fastOutput[example.position])),
      naiveForwardSeconds: naiveSeconds, fastForwardSeconds: fastSeconds,
      maxDifference: output.largestDifference(to: fastOutput), agrees: true,
      source: .init(
        reference: naive.source(ofLayer: index)?.description ?? "",
        fast: fast.source(ofLayer: index)?.description ?? ""),
      checks: [])
  }

  private func parameters(_ summary: LayerSummary) -> LayerReport.Parameters {
    let counts = summary.parameters.map(\.shape.count)
    return .init(
      weights: counts.first ?? 0, biases: counts.dropFirst().first ?? 0,
      total: summary.parameterCount,
      weightShape: summary.parameters.first?.shape.dimensions ?? [])
  }

  /// A position whose value says something: the first at or behind the middle that isn't 0.
  private func telling(_ output: Tensor<Float>) -> Int {
    let middle = output.count / 2 + output.shape.spatialCount / 2
    return (middle..<output.count).first { output[$0] != 0 } ?? min(middle, output.count - 1)
  }

  // MARK: - Backwards

  private func backward(
    _ index: Int, _ naive: Network<Float>, _ fast: Network<Float>
  ) -> LayerReport.Backward? {
    let layer = definition.layers[index]
    let summary = naive.summary.layers[index]
    progress.step("backwards: \(layer.name)")
    if case .accuracy = layer.operation { return nil }

    let naiveSeconds = seconds { naive.backward(layer: index) }
    let fastSeconds = seconds { fast.backward(layer: index) }
    let inputGradient = naive.gradient(of: layer.bottoms[0])
    var pairs = zip(naive.parameterGradients[index], fast.parameterGradients[index]).map {
      ($0, $1)
    }
    if let inputGradient, let other = fast.gradient(of: layer.bottoms[0]) {
      pairs.append((inputGradient, other))
    }
    let named = zip(summary.parameters, naive.parameterGradients[index]).map {
      ($0.name, Statistics($1))
    }
    return .init(
      explanation: Explanation(layer.operation, input: summary.input, output: summary.output)
        .backward,
      inputGradient: inputGradient.map(Statistics.init),
      inputHistogram: inputGradient.map(Histogram.init), inputMaps: [],
      parameterGradients: Dictionary(named) { first, _ in first },
      parameterHistograms: [:], filterGradients: [],
      naiveBackwardSeconds: naiveSeconds, fastBackwardSeconds: fastSeconds,
      maxDifference: pairs.map { $0.largestDifference(to: $1) }.reduce(0) {
        $1.isNaN ? $1 : max($0, $1)
      },
      largestMagnitude: pairs.map { pair in pair.0.largestMagnitude }.max() ?? 0)
  }

  // MARK: - The loss

  private func lossExplanation(_ loss: Double, _ scores: Tensor<Float>) -> String {
    let classes = Double(scores.count)
    let values = scores.elements.map(Double.init)
    let maximum = values.max() ?? 0
    let normaliser = maximum + .log(values.reduce(0) { $0 + .exp($1 - maximum) })
    let average = normaliser - values.reduce(0, +) / classes
    return "A network that knows nothing gives each of \(scores.count) classes the probability "
      + "1/\(scores.count), and the loss is ln \(scores.count) = \(Format.value(.log(classes))). "
      + "Fresh random weights are near that, but their scores differ by chance: for this class "
      + "the loss is \(Format.value(loss)); averaged over all the classes it could have been, "
      + "\(Format.value(average)). Training has to bring it down from there."
  }
}

/// The seconds that something takes.
private func seconds(_ work: () throws -> Void) rethrows -> Double {
  let duration = try ContinuousClock().measure(work)
  return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}

/// The bytes of so many single-precision numbers.
private func bytes(_ count: Int) -> Int {
  count * MemoryLayout<Float>.size
}
