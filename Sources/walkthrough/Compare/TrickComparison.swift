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

  /// Runs the network with all tricks and without one, in turn, for each trick that concerns it.
  func run() throws -> TrickReport {
    let tricks = Trick.allCases.filter { !layers(concernedBy: $0).isEmpty }
    let progress = Progress(steps: tricks.count * (warmup + repeats))
    let all = try network(without: [])
    let rows = try tricks.map { trick in
      let one = try network(without: [trick], parameters: all.parameters)
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
        wholePass: .init(with: with.wholePass, without: without.wholePass))
    }
    progress.finish()
    return TrickReport(
      network: definition.name,
      environment: .current(threads: threads, batch: batch, warmup: warmup, repeats: repeats),
      tricks: rows)
  }

  private func network(
    without omitted: Set<Trick>, parameters: [[Tensor<Float>]]? = nil
  ) throws -> Network<Float> {
    let network = try Network(
      definition, backend: FastBackend<Float>(engine: Engine(threads: threads, without: omitted)),
      batch: batch, seed: seed, parameters: parameters, fusing: true)
    try network.loadNoise(seed: seed)
    return network
  }

  /// The layers whose time a trick can change, by index.
  private func layers(concernedBy trick: Trick) -> [Int] {
    definition.layers.indices.filter { index in
      switch (trick, definition.layers[index].operation) {
      case (.keptMemory, _),
        (.ownProduct, .convolution), (.ownProduct, .innerProduct),
        (.fusedReLU, .convolution), (.fusedReLU, .innerProduct), (.fusedReLU, .relu),
        (.biasFirst, .convolution), (.channelSlices, .convolution),
        (.sharedProducts, .convolution), (.kernelPieces, .convolution),
        (.slidingWindows, .pooling), (.inverseRoot, .lrn), (.positionStretches, .lrn),
        (.fewImages, .innerProduct), (.fourRows, .innerProduct), (.weightTiles, .innerProduct):
        true
      case (.wholePlanes, .convolution(let convolution)): convolution.stride == 1
      case (.splitRows, .convolution(let convolution)): convolution.stride.width > 1
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

  /// The sum of the medians of some layers, in seconds.
  func forward(_ layers: [Int]) -> Double { layers.reduce(0) { $0 + forward[$1].median } }
  func backward(_ layers: [Int]) -> Double { layers.reduce(0) { $0 + backward[$1].median } }

  /// That of both passes of all layers.
  var wholePass: Double {
    let all = Array(forward.indices)
    return forward(all) + backward(all)
  }
}

/// What each trick gained.
struct TrickReport: Encodable {
  /// Seconds with a trick and without.
  struct Times: Encodable {
    var with: Double
    var without: Double

    var gain: Double { without / max(with, 1e-12) }
  }

  struct Row: Encodable {
    var trick: String
    /// The layers it concerns, which `forward` and `backward` are the times of.
    var layers: [String]
    var forward: Times
    var backward: Times
    /// Forwards and backwards, all layers.
    var wholePass: Times
  }

  var network: String
  var environment: CompareReport.Environment
  var tricks: [Row]

  /// The gains as lines of text.
  func lines() -> [String] {
    var table = TextTable(
      header: ["trick", "forward", "without", "gain", "backward", "without", "gain", "whole pass"])
    table.rows = tricks.map { row in
      [row.trick] + cells(row.forward) + cells(row.backward) + [gain(row.wholePass)]
    }
    return environment.heading("\(network), optimized version with and without each trick") + [
      "Times are of the layers that a trick concerns; the last gain is that of both passes of all.",
      "",
    ] + table.lines()
  }

  private func cells(_ times: Times) -> [String] {
    [Format.seconds(times.with), Format.seconds(times.without), gain(times)]
  }

  private func gain(_ times: Times) -> String { Format.factor(times.gain) }
}
