import CaffeTools
import Layers
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
    // Parameters, which all networks here share, and the gradients of each version; blobs and
    // gradients of those, and the blobs of the gallery.
    let count = Version.allCases.count
    try MemoryNeed(
      NetworkPlan(definition), parameters: 1 + count, blobs: 2 * count + 1 + gallery.count
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

    let survey = try Survey(
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

    var layers = try definition.layers.indices.map { index in
      var report = try forward(index, networks)
      for number in report.maps.indices.prefix(Survey.mapsLookedFor) {
        report.maps[number].peak = survey.peaks[index]?[report.maps[number].channel]
      }
      return report
    }
    if definition.hasLoss {
      for index in layers.indices.reversed() { try backward(index, networks, &layers[index]) }
    }
    if checksGradients {
      for index in layers.indices where only == nil || only == index {
        layers[index].check(
          try QuickCheck(definition.layers[index], networks[0].plan.layers[index], seed: seed)?
            .run(progress), isDeterministic: isDeterministic)
      }
    }
    progress.finish()
    let report = report(layers, networks, survey)
    return isDeterministic ? Determinism.rounded(report) : report
  }

  private func report(
    _ layers: [LayerReport], _ networks: [Network<Float>], _ survey: Survey
  ) -> TourReport {
    let reference = networks[0]
    let summary = reference.plan
    let scores = reference.blob(definition.scores) ?? image.tensor
    return TourReport(
      network: definition.name, isDeterministic: isDeterministic,
      image: .init(
        name: image.name, label: image.label, isLabelAssumed: image.isLabelAssumed,
        picture: image.raster),
      input: summary.input.channelsHeightWidth, seed: seed,
      weights: .init(
        source: trained?.source ?? "random numbers from seed \(seed)", isTrained: trained != nil),
      layers: layers, loss: Double(reference.loss),
      losses: values(networks) { Double($0.loss) }, classes: scores.count,
      parameters: summary.parameterCount, macs: summary.multiplyAccumulates,
      flops: summary.floatingPointOperations,
      lossExplanation: LossExplanation(
        loss: Double(reference.loss), scores: scores, isTrained: trained != nil,
        hasLoss: definition.hasLoss
      ).text,
      predictions: predictions(survey.probabilities),
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

extension NetworkDefinition {
  /// The blob of scores: what the loss or the last softmax makes its numbers of, or else the last.
  var scores: String {
    guard let last = layers.last(where: { $0.specification.takesLabels }) ?? layers.last else {
      return data
    }
    switch last.specification {
    case is SoftmaxSpecification, is SoftmaxWithLossSpecification, is AccuracySpecification:
      return last.bottoms.first ?? data
    default: return last.top
    }
  }

  /// The shape of the scores for one image.
  func scoresShape() throws(LayerError) -> Shape {
    let summary = try NetworkPlan(self)
    let index = layers.lastIndex { $0.top == scores }
    return index.map { summary.layers[$0].output } ?? summary.input
  }

  /// Whether there is a loss, without which no gradient is.
  var hasLoss: Bool {
    layers.contains { layer in
      layer.specification is SoftmaxWithLossSpecification
    }
  }
}
