import Fast
import Layers
import Networks
import Reference
import Tensors

/// Measures a network on both versions.
struct Comparison {
  var definition: NetworkDefinition
  var batch: Int
  var threads: Int
  var warmup: Int
  var repeats: Int
  /// Which versions to run.
  var versions: VersionChoice
  var seed: UInt32
  var progress: Progress

  /// The number of steps that `run` reports to its progress.
  var steps: Int {
    let versionCount = (versions.includesNaive ? 1 : 0) + (versions.includesFast ? 1 : 0)
    return 2 + versionCount + (warmup + repeats) * versionCount * 2
  }

  /// Runs everything.
  ///
  /// The optimized version's whole network goes first, so that its peak of memory is its own. Then
  /// the layers: naive and optimized in turn, so that a drifting clock meets both.
  func run() throws -> CompareReport {
    let engine = Engine(threads: threads)
    let summary = try definition.summary(batch: batch)
    let roof = GemmRoof(definition, summary: summary)
    try requireMemory(summary, roof)
    var totals = CompareReport.Totals()
    if versions.includesFast {
      totals.fast = try whole(FastBackend<Float>(engine: engine), "optimized", summary)
    }
    if versions.includesNaive {
      totals.naive = try whole(ReferenceBackend<Float>(), "naive", summary)
    }
    // Behind the network, so that both have met a processor that is warm.
    progress.step("measuring the roof")
    let gigaflops = roof.gigaflops(threads: engine.threads, repeats: repeats)
    let layers = try layerByLayer(engine, summary)
    progress.finish()
    return CompareReport(
      network: definition.name,
      environment: .current(
        threads: engine.threads, batch: batch, warmup: warmup, repeats: repeats),
      roof: .init(gemmGigaflops: gigaflops), layers: layers, totals: totals)
  }

  private func whole(
    _ backend: some Backend<Float>, _ name: String, _ summary: NetworkSummary
  ) throws -> CompareReport.Version {
    try WholeNetwork(
      definition: definition, batch: batch, threads: threads, warmup: warmup, repeats: repeats,
      seed: seed, progress: progress
    ).measure(backend, name: name)
  }

  /// Asks for the memory of all that is measured, before anything is.
  private func requireMemory(_ summary: NetworkSummary, _ roof: GemmRoof) throws {
    // Parameters are shared, their gradients are not; blobs and gradients of two networks.
    var need = MemoryNeed(summary, parameters: 3, blobs: 5, threads: threads)
    // The networks are gone when the roof is measured.
    need.bytes = max(need.bytes, roof.bytes(threads: threads))
    try need.require()
  }

  // MARK: - Layer by layer

  private func layerByLayer(
    _ engine: Engine, _ summary: NetworkSummary
  ) throws -> [CompareReport.Layer] {
    let fast =
      try versions.includesFast
      ? Network(definition, backend: FastBackend<Float>(engine: engine), batch: batch, seed: seed)
      : nil
    let naive =
      try versions.includesNaive
      ? Network(
        definition, backend: ReferenceBackend<Float>(), batch: batch, seed: seed,
        parameters: fast?.parameters) : nil
    try fast.map { try $0.loadNoise(seed: seed) }
    try naive.map { try $0.loadNoise(seed: seed) }

    let count = definition.layers.count
    var forward = (
      naive: [Measurement](repeating: .init(), count: count),
      fast: [Measurement](repeating: .init(), count: count)
    )
    var backward = forward
    var differences = [Difference](repeating: Difference(), count: count)
    for pass in 0..<warmup + repeats {
      for index in 0..<count {
        let isMeasured = pass >= warmup
        try naive?.timed(isMeasured, &forward.naive[index]) { try $0.forward(layer: index) }
        try fast?.timed(isMeasured, &forward.fast[index]) { try $0.forward(layer: index) }
        if pass == 0, let naive, let fast { differences[index].compareOutputs(naive, fast, index) }
      }
      progress.step("layer by layer")
      for index in (0..<count).reversed() {
        let isMeasured = pass >= warmup
        naive?.timed(isMeasured, &backward.naive[index]) { $0.backward(layer: index) }
        fast?.timed(isMeasured, &backward.fast[index]) { $0.backward(layer: index) }
        if pass == 0, let naive, let fast {
          differences[index].compareGradients(naive, fast, index)
        }
      }
      progress.step("layer by layer")
    }
    return definition.layers.indices.map { index in
      CompareReport.Layer(
        name: definition.layers[index].name,
        naiveForwardSeconds: naive == nil ? nil : forward.naive[index].median,
        fastForwardSeconds: fast == nil ? nil : forward.fast[index].median,
        naiveBackwardSeconds: naive == nil ? nil : backward.naive[index].median,
        fastBackwardSeconds: fast == nil ? nil : backward.fast[index].median,
        maxDifference: differences[index].ofOutput,
        maxRelativeDifference: differences[index].relative,
        forwardFlops: summary.layers[index].floatingPointOperations,
        backwardFlops: definition.backwardFlops(summary, index))
    }
  }
}

extension Network<Float> {
  /// Runs something on this network, timed or not.
  func timed(
    _ isMeasured: Bool, _ measurement: inout Measurement, _ work: (Network) throws -> Void
  ) rethrows {
    if isMeasured { try measurement.time { try work(self) } } else { try work(self) }
  }
}

/// How far the two versions are apart at one layer.
private struct Difference {
  var ofOutput: Double?
  var relative: Double?

  mutating func compareOutputs(_ naive: Network<Float>, _ fast: Network<Float>, _ index: Int) {
    let blob = naive.definition.layers[index].top
    guard let a = naive.blob(blob), let b = fast.blob(blob) else { return }
    ofOutput = a.largestDifference(to: b)
    add(a, b)
  }

  mutating func compareGradients(_ naive: Network<Float>, _ fast: Network<Float>, _ index: Int) {
    let blob = naive.definition.layers[index].bottoms[0]
    if let a = naive.gradient(of: blob), let b = fast.gradient(of: blob) { add(a, b) }
    for (a, b) in zip(naive.parameterGradients[index], fast.parameterGradients[index]) {
      add(a, b)
    }
  }

  private mutating func add(_ a: Tensor<Float>, _ b: Tensor<Float>) {
    let scale = a.largestMagnitude
    let difference = a.largestDifference(to: b)
    relative = max(relative ?? 0, scale == 0 ? difference : difference / scale)
  }
}
