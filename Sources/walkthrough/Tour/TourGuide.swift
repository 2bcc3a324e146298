import CaffeTools
import Layers
import NetworkFiles
import Networks
import Tensors

/// Runs a network on all versions, layer by layer, and reports on each.
struct TourGuide {
  /// The network.
  var definition: NetworkDefinition
  /// The image and its class.
  var image: TourImage
  /// Further images, among which the places that excite a feature map most are looked for.
  var gallery: [TourImage] = []
  /// What the network has learnt; without it, its parameters are random.
  var trained: TrainedNetwork?
  /// What the classes are called, if known.
  var classNames: [String]?
  var seed: UInt32
  /// Whether the report is to be the same on every machine, see `Determinism`.
  var isDeterministic = false
  /// Whether gradients are checked.
  var checksGradients = true
  /// The one layer that will be looked at, by position, where it is one only: the gradients of the
  /// others aren't checked.
  var only: Int?
  var progress: Progress

  /// The number of steps that `run` reports to its progress.
  static func steps(of definition: NetworkDefinition) -> Int {
    1 + Version.allCases.count + 4 * definition.layers.count
  }

  /// Runs forwards and backwards.
  ///
  /// - Throws: `LayerError` for an impossible network, or an image that doesn't fit it;
  ///   `MemoryError` for a network that is too large for this process.
  func run() throws -> TourReport {
    if let input = definition.otherInputs.first {
      throw LayerError(
        layer: definition.name, value: "input \"\(input.name)\"",
        rule: "can't be toured: only images and labels can be fed")
    }
    // All networks here share their parameters. The last are the blobs of the gallery.
    try MemoryNeed(
      NetworkPlan(definition),
      [.parameters(1)] + Version.allCases.map { _ in .running } + [.blobs(1 + gallery.count)]
    ).require()
    progress.step(trained == nil ? "filling \(definition.name)'s parameters" : "laying out")
    // What has learnt is used, as in testing; what hasn't shows how learning runs.
    let phase: Phase = trained == nil ? .training : .testing
    var networks: [Network<Float>] = []
    for version in Version.allCases {
      if !networks.isEmpty { progress.step("laying out \(version.title)") }
      let network = try Network(
        definition, backend: version.backend(), phase: phase, seed: seed,
        parameters: networks.first?.parameters ?? trained?.parameters)
      try network.load(images: image.tensor, labels: [image.label])
      networks.append(network)
    }

    let activations = try MaximalActivations(
      of: [image] + gallery, definition: definition, parameters: networks[0].parameters,
      isDeterministic: isDeterministic, progress: progress)

    // Once through, so that the fast ones' times hold no first touch of their memory.
    if !isDeterministic {
      for network in networks.dropFirst() {
        let context = network.context
        try network.forward()
        network.backward()
        network.context = context
      }
    }

    var passes: [LayerPass] = []
    var layers: [LayerReport] = []
    for index in definition.layers.indices {
      var (report, pass) = try forward(index, networks)
      for number in report.maps.indices.prefix(MaximalActivations.mapsLookedFor) {
        report.maps[number].peak = activations.peaks[index]?[report.maps[number].channel]
      }
      report.repeats = layers.first { $0.type == report.type && $0.formula == report.formula }?.name
      layers.append(report)
      passes.append(pass)
    }
    if definition.hasLoss {
      for index in layers.indices.reversed() {
        try backward(index, networks, passes.removeLast(), &layers[index])
      }
    }
    if checksGradients {
      for index in layers.indices where only == nil || only == index {
        layers[index].check(
          try QuickCheck(definition.layers[index], networks[0].plan.layers[index], seed: seed)?
            .run(progress), isDeterministic: isDeterministic)
      }
    }
    progress.finish()
    return report(layers, networks, activations)
  }

  private func report(
    _ layers: [LayerReport], _ networks: [Network<Float>], _ activations: MaximalActivations
  ) -> TourReport {
    let reference = networks[0]
    let summary = reference.plan
    let scores = reference.blob(definition.scores) ?? image.tensor
    return TourReport(
      network: definition.name, isDeterministic: isDeterministic,
      image: .init(
        name: image.name, label: image.label, isLabelAssumed: image.isLabelAssumed,
        picture: image.picture),
      input: summary.input.channelsHeightWidth, seed: seed,
      weights: .init(
        source: trained?.source ?? "random numbers from seed \(seed)", isTrained: trained != nil),
      layers: layers, loss: Double(reference.loss),
      losses: values(networks) { Double($0.loss) }, classes: scores.count,
      parameters: summary.parameterCount, macs: summary.multiplyAccumulates,
      flops: summary.floatingPointOperations,
      lossExplanation: LossExplanation(
        loss: Double(reference.loss), scores: scores.elements.map(Double.init),
        isTrained: trained != nil,
        hasLoss: definition.hasLoss
      ).text,
      predictions: predictions(activations.probabilities),
      totals: Totals(layers, summary))
  }

  /// A number of each version; of Reference alone where the report is deterministic.
  func values(
    _ networks: [Network<Float>], _ value: (Network<Float>) -> Double
  ) -> [VersionValue] {
    zip(Version.allCases, networks).prefix(isDeterministic ? 1 : networks.count).map {
      VersionValue(version: $0, value: value($1))
    }
  }

  /// The first five classes by probability.
  private func predictions(_ probabilities: [Double]) -> [Prediction] {
    probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }.prefix(5).map { label in
      Prediction(
        label: label,
        name: classNames.flatMap { $0.indices.contains(label) ? $0[label] : nil },
        probability: probabilities[label])
    }
  }
}

// MARK: - Layer by layer

extension TourGuide {
  /// Runs a layer forwards on the networks, one for each of `Version.allCases`, in that order. What
  /// Reference computed is what the report shows.
  ///
  /// - Throws: `LayerError` for an input that the layer refuses.
  func forward(
    _ index: Int, _ networks: [Network<Float>]
  ) throws -> (report: LayerReport, pass: LayerPass) {
    let reference = networks[0]
    let layer = definition.layers[index]
    let summary = reference.plan.layers[index]
    progress.step("forwards: \(layer.name)")

    // In place, the layer writes over what the hand computation starts from: keep it.
    let input = layer.bottoms.first.flatMap { reference.blob($0) } ?? image.tensor
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

    let pass = LayerPass(
      input: input, output: output, parameters: reference.parameters[index], context: context,
      label: image.label)
    let tour = layer.specification.tour
    let explanation = tour.explanation(summary.input, summary.output)
    let position = telling(output)
    var example = tour.workedExample(at: position, pass)
    example?.versions = values(networks) { Double(($0.blob(layer.top) ?? input)[position]) }
    let source = Source(
      networks.map { $0.implementation(ofLayer: index) }, isDeterministic: isDeterministic)
    let report = LayerReport(
      number: index + 1, name: layer.name, type: summary.type, kind: tour.kind,
      course: tour.lesson, sliding: example?.window?.inputs.isEmpty == false ? tour.sliding : nil,
      explanation: explanation.summary, formula: explanation.formula.text,
      formulaParts: explanation.formula.parts(in: source), arithmetic: explanation.arithmetic,
      settings: tour.settings(summary.input),
      input: summary.input.channelsHeightWidth, output: summary.output.channelsHeightWidth,
      isInPlace: summary.isInPlace, groups: groups(tour, summary), parameters: .init(summary),
      macs: summary.multiplyAccumulates, flops: summary.floatingPointOperations,
      memoryBytes: .init(
        output: summary.isInPlace ? 0 : SinglePrecision.bytes(summary.output.count),
        parameters: SinglePrecision.bytes(summary.parameterCount)),
      receptiveField: summary.receptiveField, stride: summary.stride,
      seen: try seen(index, reference.plan),
      statistics: Statistics(output), histogram: Histogram(output),
      zeroUnits: tour.countsZeros ? ZeroUnits(output) : nil,
      maps: FeatureMap.evenlySpaced(output, groups: tour.groupCount),
      filters: filters(index, reference.parameters[index]), example: example,
      versions: versions, agrees: agreements.allSatisfy(\.isRounding), source: source, checks: [])
    return (report, pass)
  }

  /// Runs a layer backwards on the same networks and completes its report.
  ///
  /// - Throws: `LayerError` for an input that the layer refuses.
  func backward(
    _ index: Int, _ networks: [Network<Float>], _ pass: LayerPass, _ report: inout LayerReport
  ) throws {
    let reference = networks[0]
    let layer = definition.layers[index]
    let summary = reference.plan.layers[index]
    progress.step("backwards: \(layer.name)")
    guard layer.specification.isDifferentiable, let bottom = layer.bottoms.first else { return }

    let kinks = try networks.map { try self.kinks(of: layer, reference, $0) }
    // In place, the layer writes over it: keep it. That of a loss is its weight.
    let upstream =
      summary.lossWeight != 0
      ? Tensor(summary.output, repeating: Float(summary.lossWeight))
      : reference.gradient(of: layer.top)
    for (number, network) in networks.enumerated() {
      report.versions[number].backwardSeconds = seconds { network.backward(layer: index) }
    }
    let inputGradient = reference.gradient(of: bottom)
    let gradients = reference.parameterGradients[index]
    let magnitudes = ([inputGradient].compactMap(\.self) + gradients).map(\.largestMagnitude)
    for (number, network) in networks.enumerated().dropFirst() {
      var agreements = zip(gradients, network.parameterGradients[index]).map { Agreement($0, $1) }
      if let inputGradient, let other = network.gradient(of: bottom) {
        agreements.append(Agreement(inputGradient, other, besideKink: kinks[number]))
        // All go on from the same side, so that the layers before don't inherit the difference.
        if !kinks[number].isEmpty {
          try network.load(
            gradient: other.taking(from: inputGradient, at: kinks[number]), of: bottom)
        }
      }
      report.versions[number].gradientDifference = difference(agreements)
      report.agrees = report.agrees && agreements.allSatisfy(\.isRounding)
    }
    let names = summary.parameters.map(\.name)
    let explanation = layer.specification.tour.explanation(summary.input, summary.output)
    report.backward = .init(
      explanation: explanation.backward, formulas: explanation.gradients.map(\.text),
      formulaParts: explanation.gradients.map {
        $0.parts(Formula.markName(of: $0.text), in: report.source)
      },
      examples: upstream.map { worked(index, networks, pass, $0) } ?? [],
      inputGradient: inputGradient.map(Statistics.init),
      inputHistogram: inputGradient.map(Histogram.init),
      inputMaps: inputGradient.map { FeatureMap.evenlySpaced($0, groups: 1) } ?? [],
      parameterGradients: named(names, gradients.map(Statistics.init)),
      parameterHistograms: named(names, gradients.map(Histogram.init)),
      filterGradients: filters(index, gradients),
      besideKink: isDeterministic ? nil : Set(kinks.joined()).count,
      largestMagnitude: magnitudes.max() ?? 0)
  }

  /// One value of each gradient of a layer by hand, and what the networks have there.
  private func worked(
    _ index: Int, _ networks: [Network<Float>], _ pass: LayerPass, _ upstream: Tensor<Float>
  ) -> [WorkedExample] {
    let (layer, plan) = (definition.layers[index], networks[0].plan.layers[index])
    func example(
      _ tensor: GradientTensor, _ gradient: (Network<Float>) -> Tensor<Float>?
    ) -> WorkedExample? {
      guard let own = gradient(networks[0]) else { return nil }
      // A loss is told at the true class.
      let position =
        plan.lossWeight != 0 && image.label < own.count ? image.label : telling(own)
      var example = layer.specification.tour.workedGradient(
        of: tensor, at: position, pass, upstream: upstream)
      example?.versions = values(networks) { gradient($0).map { Double($0[position]) } ?? .nan }
      return example
    }
    var examples = plan.parameters.indices.compactMap { number in
      example(.parameter(number)) { $0.parameterGradients[index][number] }
    }
    // What several layers add up isn't this one's alone.
    if plan.propagates.first == true, plan.accumulates.first == false {
      examples += [example(.input) { $0.gradient(of: layer.bottoms[0]) }].compactMap { $0 }
    }
    return examples
  }

  /// The groups of a convolution, a single one where it has no more; none for other layers.
  private func groups(_ tour: any LayerTour, _ plan: NetworkPlan.Layer) -> [LayerReport.Group] {
    guard tour.kind == "convolution" else { return [] }
    let count = tour.groupCount
    let (inputs, outputs) = (plan.input.channels / count, plan.output.channels / count)
    return (0..<count).map { group in
      .init(
        firstInput: group * inputs, lastInput: (group + 1) * inputs - 1,
        firstOutput: group * outputs, lastOutput: (group + 1) * outputs - 1,
        parameters: plan.parameterCount / count)
    }
  }

  /// What the output in the middle of a layer depends on: its window, the windows of what lies in that, and
  /// so on to the image, each clipped to where there is something.
  func seen(_ index: Int, _ plan: NetworkPlan) throws -> LayerReport.Seen {
    let output = plan.layers[index].output
    let (row, column) = (output.height / 2, output.width / 2)
    let part = try imagePart(
      ofBlob: plan.layers[index].top, before: index + 1, rows: row...row, columns: column...column,
      plan)
    return .init(
      rows: [part.rows.lowerBound, part.rows.upperBound],
      columns: [part.columns.lowerBound, part.columns.upperBound])
  }

  private typealias Part = (rows: ClosedRange<Int>, columns: ClosedRange<Int>)

  private func imagePart(
    ofBlob blob: Int, before end: Int, rows: ClosedRange<Int>, columns: ClosedRange<Int>,
    _ plan: NetworkPlan
  ) throws -> Part {
    guard let index = plan.layers[..<end].lastIndex(where: { $0.top == blob }) else {
      return (rows, columns)
    }
    let layer = plan.layers[index]
    let window = try definition.layers[index].specification.window(for: layer.inputs)
    func side(
      _ outputs: ClosedRange<Int>, _ extent: Int, _ stride: Int, _ pad: Int, _ size: Int
    ) -> ClosedRange<Int> {
      let first = min(max(outputs.lowerBound * stride - pad, 0), size - 1)
      return first...max(min(outputs.upperBound * stride - pad + extent, size) - 1, first)
    }
    let parts = try zip(layer.bottoms, layer.inputs).map { bottom, input -> Part in
      let (extent, stride, pad) = (
        window?.extent ?? 1, window?.stride ?? 1, window?.pad ?? 0
      )
      return try imagePart(
        ofBlob: bottom, before: index,
        rows: side(rows, extent.height, stride.height, pad.height, input.height),
        columns: side(columns, extent.width, stride.width, pad.width, input.width), plan)
    }
    return parts.dropFirst().reduce(parts.first ?? (rows, columns)) { sum, part in
      (
        min(
          sum.rows.lowerBound, part.rows.lowerBound)...max(
            sum.rows.upperBound, part.rows.upperBound),
        min(
          sum.columns.lowerBound, part.columns.lowerBound)...max(
            sum.columns.upperBound, part.columns.upperBound)
      )
    }
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
    guard network !== reference, let bottom = layer.bottoms.first,
      let input = reference.blob(bottom),
      let other = network.blob(bottom)
    else { return [] }
    return try layer.specification.tour.kinksBetween(input, other)
  }

  /// A position whose value says something: the first at or behind the middle that isn't 0.
  private func telling(_ output: Tensor<Float>) -> Int {
    let middle = output.count / 2 + output.shape.spatialCount / 2
    return (middle..<output.count).first { output[$0] != 0 } ?? min(middle, output.count - 1)
  }

  /// Weights, or their gradients, as pictures, where the layer looks at the image itself.
  private func filters(_ index: Int, _ parameters: [Tensor<Float>]) -> [Raster] {
    guard definition.layers[index].bottoms.first == definition.data, let weights = parameters.first
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

extension NetworkDefinition {
  /// The blob of scores: what the loss or the last softmax makes its numbers of, or else the last.
  var scores: String {
    guard let last = layers.last(where: { $0.specification.takesLabels }) ?? layers.last else {
      return data
    }
    return last.specification.tour.readsScores ? last.bottoms.first ?? data : last.top
  }

  /// The shape of the scores for one image.
  func scoresShape() throws(LayerError) -> Shape {
    let summary = try NetworkPlan(self)
    let index = layers.lastIndex { $0.top == scores }
    return index.map { summary.layers[$0].output } ?? summary.input
  }

  /// Whether there is a loss, without which no gradient is.
  var hasLoss: Bool { layers.contains { $0.specification.lossWeight != 0 } }
}
