import CaffeTools
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
  /// The layer to measure, by index, instead of all and the whole network.
  var only: Int?
  var seed: UInt32
  var progress: Progress

  /// The number of steps that `run` reports to its progress.
  var steps: Int {
    let versionCount = (versions.includesNaive ? 1 : 0) + (versions.includesFast ? 1 : 0)
    let whole = WholeNetwork.steps(warmup: warmup, repeats: repeats) * versionCount
    return 2 + 2 * (warmup + repeats) + (only == nil ? whole : 0)
  }

  /// Runs everything.
  ///
  /// The optimized version's whole network goes first, so that its peak of memory is its own. Then
  /// the layers: naive and optimized in turn, so that a drifting clock meets both.
  func run() throws -> CompareReport {
    let engine = Engine(threads: threads)
    let summary = try NetworkPlan(definition, batch: batch)
    let roof = GemmRoof(definition, summary: summary)
    try requireMemory(summary, roof)
    var totals = CompareReport.Totals()
    if versions.includesFast, only == nil {
      totals.fast = try whole(FastBackend<Float>(engine: engine), "optimized", summary)
    }
    if versions.includesNaive, only == nil {
      totals.naive = try whole(ReferenceBackend<Float>(), "naive", summary)
    }
    // Behind the network, so that both have met a processor that is warm.
    progress.step("measuring the roof")
    let gigaflops = roof.gigaflops(threads: engine.threads, repeats: repeats)
    let layers = try LayerComparison(
      definition: definition, batch: batch, warmup: warmup, repeats: repeats, versions: versions,
      only: only, seed: seed, progress: progress
    ).measure(engine)
    progress.finish()
    return CompareReport(
      network: definition.name,
      environment: .current(
        threads: engine.threads, batch: batch, warmup: warmup, repeats: repeats),
      roof: .init(gemmGigaflops: gigaflops), layers: layers, totals: totals)
  }

  private func whole(
    _ backend: some Backend<Float>, _ name: String, _ summary: NetworkPlan
  ) throws -> CompareReport.Version {
    try WholeNetwork(
      definition: definition, batch: batch, threads: threads, warmup: warmup, repeats: repeats,
      seed: seed, progress: progress
    ).measure(backend, name: name)
  }

  /// Asks for the memory of all that is measured, before anything is.
  private func requireMemory(_ summary: NetworkPlan, _ roof: GemmRoof) throws {
    // Parameters are shared, their gradients are not; blobs and gradients of two networks.
    var need = MemoryNeed(summary, parameters: 3, blobs: 5, threads: threads)
    // The networks are gone when the roof is measured.
    need.bytes = max(need.bytes, roof.bytes(threads: threads))
    try need.require()
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
