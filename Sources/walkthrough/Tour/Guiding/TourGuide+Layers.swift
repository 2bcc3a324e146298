import Layers
import Networks
import Tensors

// What the guide says of each layer, on the way forwards and on the way back.

extension TourGuide {
  func forward(
    _ index: Int, _ naive: Network<Float>, _ fast: Network<Float>
  ) throws -> LayerReport {
    let layer = definition.layers[index]
    let summary = naive.plan.layers[index]
    progress.step("forwards: \(layer.name)")

    // In place, the layer writes over what the hand computation starts from: keep it.
    let input = naive.blob(layer.bottoms[0]) ?? image.tensor
    let context = naive.context
    let naiveSeconds = try seconds { try naive.forward(layer: index) }
    let fastSeconds = try seconds { try fast.forward(layer: index) }
    let output = naive.blob(layer.top) ?? input
    let fastOutput = fast.blob(layer.top) ?? input
    let agreement = Agreement(output, fastOutput)

    let explanation = Explanation(layer.specification, input: summary.input, output: summary.output)
    let example = HandComputation(
      layer.specification, at: telling(output), input: input, output: summary.output,
      parameters: naive.parameters[index], context: context, label: image.label)
    let source = Source(
      naive.source(ofLayer: index), fast.source(ofLayer: index), isDeterministic: isDeterministic)
    return LayerReport(
      number: index + 1, name: layer.name, type: summary.type, explanation: explanation.summary,
      formula: explanation.formula,
      formulaParts: explanation.terms.map {
        $0.located(
          in: isDeterministic ? SourceTree(root: nil) : .package,
          reference: naive.source(ofLayer: index), fast: fast.source(ofLayer: index))
      },
      arithmetic: explanation.arithmetic,
      settings: .init(layer.specification, input: summary.input),
      input: summary.input.channelsHeightWidth, output: summary.output.channelsHeightWidth,
      isInPlace: summary.isInPlace, groups: layer.specification.groups(summary),
      parameters: .init(summary), macs: summary.multiplyAccumulates,
      flops: summary.floatingPointOperations,
      memoryBytes: .init(
        output: summary.isInPlace ? 0 : SinglePrecision.bytes(summary.output.count),
        parameters: SinglePrecision.bytes(summary.parameterCount)),
      receptiveField: summary.receptiveField, stride: summary.stride,
      statistics: Statistics(output), histogram: Histogram(output), silence: Silence(output),
      maps: FeatureMap.evenlySpaced(output, groups: layer.specification.groupCount),
      filters: filters(index, naive.parameters[index]),
      example: .init(
        position: example.place, output: output.shape.coordinates(of: example.position),
        steps: example.steps, byHand: example.value, naive: Double(output[example.position]),
        fast: isDeterministic ? nil : Double(fastOutput[example.position]),
        window: example.window),
      naiveForwardSeconds: naiveSeconds, fastForwardSeconds: fastSeconds,
      maxDifference: isDeterministic ? nil : agreement.difference,
      agrees: agreement.isRounding, source: source,
      checks: [])
  }

  func backward(
    _ index: Int, _ naive: Network<Float>, _ fast: Network<Float>, _ report: inout LayerReport
  ) throws {
    let layer = definition.layers[index]
    let summary = naive.plan.layers[index]
    progress.step("backwards: \(layer.name)")
    if layer.specification is AccuracySpecification { return }

    let kinks = try kinks(of: layer, naive, fast)
    let naiveSeconds = seconds { naive.backward(layer: index) }
    let fastSeconds = seconds { fast.backward(layer: index) }
    let inputGradient = naive.gradient(of: layer.bottoms[0])
    let gradients = naive.parameterGradients[index]
    var agreements = zip(gradients, fast.parameterGradients[index]).map { Agreement($0, $1) }
    if let inputGradient, let other = fast.gradient(of: layer.bottoms[0]) {
      agreements.append(Agreement(inputGradient, other, besideKink: kinks))
      // Both go on from the same side, so that the layers before don't inherit the difference.
      if !kinks.isEmpty {
        try fast.load(gradient: other.taking(from: inputGradient, at: kinks), of: layer.bottoms[0])
      }
    }
    let names = summary.parameters.map(\.name)
    let difference = agreements.map(\.difference).reduce(0) { $1.isNaN ? $1 : max($0, $1) }
    report.backward = .init(
      explanation: Explanation(layer.specification, input: summary.input, output: summary.output)
        .backward,
      inputGradient: inputGradient.map(Statistics.init),
      inputHistogram: inputGradient.map(Histogram.init),
      inputMaps: inputGradient.map { FeatureMap.evenlySpaced($0, groups: 1) } ?? [],
      parameterGradients: named(names, gradients.map(Statistics.init)),
      parameterHistograms: named(names, gradients.map(Histogram.init)),
      filterGradients: filters(index, gradients),
      naiveBackwardSeconds: naiveSeconds, fastBackwardSeconds: fastSeconds,
      maxDifference: isDeterministic ? nil : difference,
      besideKink: isDeterministic ? nil : kinks.count,
      largestMagnitude: agreements.map(\.largestMagnitude).max() ?? 0)
    report.agrees = report.agrees && agreements.allSatisfy(\.isRounding)
  }

  /// Where the two versions came to lie on different sides of a layer's kink. A ReLU in place leaves
  /// in its output which side it was.
  private func kinks(
    of layer: LayerDefinition, _ naive: Network<Float>, _ fast: Network<Float>
  ) throws -> [Int] {
    guard let input = naive.blob(layer.bottoms[0]), let other = fast.blob(layer.bottoms[0])
    else { return [] }
    return try layer.specification.kinksBetween(input, other)
  }

  /// A position whose value says something: the first at or behind the middle that isn't 0.
  private func telling(_ output: Tensor<Float>) -> Int {
    let middle = output.count / 2 + output.shape.spatialCount / 2
    return (middle..<output.count).first { output[$0] != 0 } ?? min(middle, output.count - 1)
  }

  /// Weights, or their gradients, as pictures, where the layer looks at the image itself.
  private func filters(_ index: Int, _ parameters: [Tensor<Float>]) -> [Raster] {
    guard definition.layers[index].bottoms[0] == definition.data, let weights = parameters.first
    else { return [] }
    return Raster.filters(weights)
  }

  private func named<Value>(_ names: [String], _ values: [Value]) -> [String: Value] {
    Dictionary(zip(names, values)) { first, _ in first }
  }

  /// The seconds that something takes; `nil` where clocks aren't read.
  private func seconds(_ work: () throws -> Void) rethrows -> Double? {
    guard !isDeterministic else {
      try work()
      return nil
    }
    var measurement = Measurement()
    try measurement.time(work)
    return measurement.median
  }
}

extension Shape {
  /// Channel, row and column of a row-major position, as far as there are such axes.
  fileprivate func coordinates(of position: Int) -> [Int] {
    let (channel, row, column) = place(of: position)
    return rank == 0 ? [] : rank == 4 ? [channel, row, column] : [channel]
  }
}
