import CaffeTools
import Fast
import Layers
import Networks
import Tensors

/// Measures what each trick of the optimized version gains on a network.
struct TrickComparison {
  var definition: NetworkDefinition
  var batch: Int
  var threads: Int
  var repeats: Int
  var seed: UInt32

  private var warmup: Int { 1 }

  /// Runs the network with all tricks and without one, in turn, for each trick that concerns it; on
  /// both sides without those in whose place it works.
  func run() throws -> TrickReport {
    let tricks = Trick.allCases.filter { !layers(concernedBy: $0).isEmpty }
    try requireMemory(tricks)
    let progress = Progress(steps: tricks.count * (warmup + repeats))
    var networks: [Set<Trick>: Network<Float>] = [:]
    let rows = try tricks.map { trick in
      let all =
        try networks[trick.rivals]
        ?? network(without: trick.rivals, parameters: networks.values.first?.parameters)
      networks[trick.rivals] = all
      let one = try network(
        without: trick.rivals.union([trick]), parameters: all.parameters)
      var (with, without) = (LayerTimes(definition), LayerTimes(definition))
      for pass in 0..<warmup + repeats {
        progress.step("without \(trick.rawValue)")
        // Which goes first changes, so that neither always meets the caches of the other.
        let isMeasured = pass >= warmup
        if pass % 2 == 0 { try with.measure(all, isMeasured) }
        try without.measure(one, isMeasured)
        if pass % 2 == 1 { try with.measure(all, isMeasured) }
      }
      let concerned = layers(concernedBy: trick)
      return TrickReport.Row(
        trick: trick.rawValue, layers: concerned.map { definition.layers[$0].name },
        forward: .init(with: with.forward(concerned), without: without.forward(concerned)),
        backward: .init(with: with.backward(concerned), without: without.backward(concerned)),
        bothOfAllLayers: .init(with: with.bothOfAllLayers, without: without.bothOfAllLayers))
    }
    progress.finish()
    return TrickReport(
      network: definition.name,
      environment: .current(threads: threads, batch: batch, warmup: warmup, repeats: repeats),
      tricks: rows)
  }

  /// Asks for the memory of all networks that are alive at a time: one for each set of rivals, which
  /// stays, and one without a trick.
  private func requireMemory(_ tricks: [Trick]) throws {
    let networks = Set(tricks.map(\.rivals)).count + 1
    // Parameters are shared, their gradients are not; blobs, gradients and working memory are of
    // each.
    try MemoryNeed(
      NetworkPlan(definition, batch: batch), parameters: 1 + networks, blobs: 3 * networks,
      threads: threads
    ).require()
  }

  private func network(
    without omitted: Set<Trick>, parameters: [[Tensor<Float>]]? = nil
  ) throws -> Network<Float> {
    let network = try Network(
      definition, backend: FastBackend<Float>(engine: Engine(threads: threads, without: omitted)),
      batch: batch, seed: seed, parameters: parameters)
    try network.loadNoise(seed: seed)
    return network
  }

  /// The layers whose time a trick can change, by index.
  private func layers(concernedBy trick: Trick) -> [Int] {
    definition.layers.indices.filter { index in
      switch (trick, definition.layers[index].specification) {
      case (.ownProduct, is ConvolutionSpecification), (.ownProduct, is InnerProductSpecification),
        (.cachedProduct, is ConvolutionSpecification),
        (.cachedProduct, is InnerProductSpecification),
        (.fusedReLU, is ConvolutionSpecification), (.fusedReLU, is InnerProductSpecification),
        (.fusedReLU, is ReLUSpecification),
        (.channelsLast, is ConvolutionSpecification), (.channelSlices, is ConvolutionSpecification),
        (.sharedProducts, is ConvolutionSpecification),
        (.kernelPieces, is ConvolutionSpecification),
        (.slidingWindows, is PoolingSpecification), (.inverseRoot, is LRNSpecification),
        (.fewImages, is InnerProductSpecification), (.fourRows, is InnerProductSpecification):
        true
      case (.wholePlanes, let convolution as ConvolutionSpecification): convolution.stride == 1
      case (.splitRows, let convolution as ConvolutionSpecification): convolution.stride.width > 1
      default: false
      }
    }
  }
}

/// Times of each layer of a network.
private struct LayerTimes {
  private var forward, backward: [Measurement]

  init(_ definition: NetworkDefinition) {
    forward = .init(repeating: Measurement(), count: definition.layers.count)
    backward = forward
  }

  /// Runs both passes, layer by layer.
  mutating func measure(_ network: Network<Float>, _ isMeasured: Bool) throws {
    for index in forward.indices {
      try network.timed(isMeasured, &forward[index]) { try $0.forward(layer: index) }
    }
    for index in backward.indices.reversed() {
      network.timed(isMeasured, &backward[index]) { $0.backward(layer: index) }
    }
  }

  /// The time of some layers together, once for each measured pass.
  func forward(_ layers: [Int]) -> Measurement { .sum(layers.map { forward[$0] }) }
  func backward(_ layers: [Int]) -> Measurement { .sum(layers.map { backward[$0] }) }

  /// That of both passes of all layers.
  var bothOfAllLayers: Measurement { .sum(forward + backward) }
}

/// What each trick gained.
struct TrickReport: Encodable {
  /// Medians with a trick and without, in seconds.
  struct Times: Encodable {
    var with: Double
    var without: Double
    /// The median of the ratios of two passes that followed each other: a clock that drifts changes
    /// it less than it changes the ratio of the medians.
    var gain: Double

    init(with: Measurement, without: Measurement) {
      (self.with, self.without) = (with.median, without.median)
      gain = without.ratios(to: with).median
    }
  }

  struct Row: Encodable {
    var trick: String
    /// The layers it concerns, which `forward` and `backward` are the times of.
    var layers: [String]
    var forward: Times
    var backward: Times
    var bothOfAllLayers: Times
  }

  var network: String
  var environment: CompareReport.Environment
  var tricks: [Row]

  /// The gains as lines of text.
  func lines() -> [String] {
    var table = TextTable(
      header: ["trick", "forward", "without", "gain", "backward", "without", "gain", "all layers"])
    table.rows = tricks.map { row in
      [row.trick] + cells(row.forward) + cells(row.backward) + [gain(row.bothOfAllLayers)]
    }
    return environment.heading("\(network), optimized version with and without each trick") + [
      "Times are of the layers that a trick concerns, but the last gain is that of both passes of all.",
      "A gain is the median of the ratios of passes in turn.",
      "",
    ] + table.lines()
  }

  private func cells(_ times: Times) -> [String] {
    [Format.seconds(times.with), Format.seconds(times.without), gain(times)]
  }

  private func gain(_ times: Times) -> String { Format.factor(times.gain) }
}
