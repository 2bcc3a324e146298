import Layers
import Networks
import Tensors

// What the guide says of each layer, on the way forwards and on the way back. Of the networks, one for
// each version, the first is that of Reference: what it computed is what the report shows.

extension TourGuide {
  /// Runs a layer forwards on the networks, one for each of `Version.allCases`, in that order.
  ///
  /// - Throws: `LayerError` for an input that the layer refuses.
  func forward(_ index: Int, _ networks: [Network<Float>]) throws -> LayerReport {
    let reference = networks[0]
    let layer = definition.layers[index]
    let summary = reference.plan.layers[index]
    progress.step("forwards: \(layer.name)")

    // In place, the layer writes over what the hand computation starts from: keep it.
    let input = reference.blob(layer.bottoms[0]) ?? image.tensor
    let context = reference.context
    let times = try networks.map { network in
      try seconds { try network.forward(layer: index) }
    }
    let output = reference.blob(layer.top) ?? input
    let agreements = networks.map { Agreement(output, $0.blob(layer.top) ?? input) }
    let versions = networks.indices.map { number in
      VersionReport(
        version: Version.allCases[number],
        algorithm: isDeterministic ? nil : networks[number].algorithm(ofLayer: index),
        forwardSeconds: times[number],
        difference: number == 0 ? nil : difference([agreements[number]]))
    }

    let explanation = Explanation(layer.specification, input: summary.input, output: summary.output)
    let example = HandComputation(
      layer.specification, at: telling(output), input: input, output: summary.output,
      parameters: reference.parameters[index], context: context, label: image.label)
    let (place, fastPlace) = (
      reference.source(ofLayer: index), networks[1].source(ofLayer: index)
    )
    return LayerReport(
      number: index + 1, name: layer.name, type: summary.type, explanation: explanation.summary,
      formula: explanation.formula,
      formulaParts: explanation.terms.map {
        $0.located(
          in: isDeterministic ? SourceTree(root: nil) : .package,
          reference: place, fast: fastPlace)
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
      filters: filters(index, reference.parameters[index]),
      example: .init(
        position: example.place, output: output.shape.coordinates(of: example.position),
        steps: example.steps, byHand: example.value,
        versions: values(networks) {
          Double(($0.blob(layer.top) ?? input)[example.position])
        },
        window: example.window),
      versions: versions, agrees: agreements.allSatisfy(\.isRounding),
      source: Source(place, fastPlace, isDeterministic: isDeterministic),
      checks: [])
  }

  /// Runs a layer backwards on the same networks and completes its report.
  ///
  /// - Throws: `LayerError` for an input that the layer refuses.
  func backward(
    _ index: Int, _ networks: [Network<Float>], _ report: inout LayerReport
  ) throws {
    let reference = networks[0]
    let layer = definition.layers[index]
    let summary = reference.plan.layers[index]
    progress.step("backwards: \(layer.name)")
    if layer.specification is AccuracySpecification { return }

    let kinks = try networks.map { try self.kinks(of: layer, reference, $0) }
    for (number, network) in networks.enumerated() {
      report.versions[number].backwardSeconds = seconds { network.backward(layer: index) }
    }
    let inputGradient = reference.gradient(of: layer.bottoms[0])
    let gradients = reference.parameterGradients[index]
    let magnitudes = ([inputGradient].compactMap(\.self) + gradients).map(\.largestMagnitude)
    for (number, network) in networks.enumerated().dropFirst() {
      var agreements = zip(gradients, network.parameterGradients[index]).map { Agreement($0, $1) }
      if let inputGradient, let other = network.gradient(of: layer.bottoms[0]) {
        agreements.append(Agreement(inputGradient, other, besideKink: kinks[number]))
        // All go on from the same side, so that the layers before don't inherit the difference.
        if !kinks[number].isEmpty {
          try network.load(
            gradient: other.taking(from: inputGradient, at: kinks[number]), of: layer.bottoms[0])
        }
      }
      report.versions[number].gradientDifference = difference(agreements)
      report.agrees = report.agrees && agreements.allSatisfy(\.isRounding)
    }
    let names = summary.parameters.map(\.name)
    report.backward = .init(
      explanation: Explanation(layer.specification, input: summary.input, output: summary.output)
        .backward,
      inputGradient: inputGradient.map(Statistics.init),
      inputHistogram: inputGradient.map(Histogram.init),
      inputMaps: inputGradient.map { FeatureMap.evenlySpaced($0, groups: 1) } ?? [],
      parameterGradients: named(names, gradients.map(Statistics.init)),
      parameterHistograms: named(names, gradients.map(Histogram.init)),
      filterGradients: filters(index, gradients),
      besideKink: isDeterministic ? nil : Set(kinks.joined()).count,
      largestMagnitude: magnitudes.max() ?? 0)
  }

  /// The differences of one version's tensors together; `nil` where the report is deterministic, or
  /// there are none.
  private func difference(_ agreements: [Agreement]) -> Difference? {
    guard !isDeterministic, !agreements.isEmpty else { return nil }
    var difference = Difference()
    for agreement in agreements {
      difference.add(agreement.difference, largestMagnitude: agreement.largestMagnitude)
    }
    return difference
  }

  /// Where a version came to lie on another side of a layer's kink than Reference. A ReLU in place
  /// leaves in its output which side it was.
  private func kinks(
    of layer: LayerDefinition, _ reference: Network<Float>, _ network: Network<Float>
  ) throws -> [Int] {
    guard network !== reference, let input = reference.blob(layer.bottoms[0]),
      let other = network.blob(layer.bottoms[0])
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
