import CaffeTools
import Fast
import Layers
import Networks

/// Measures a network on some versions.
struct Comparison {
  var definition: NetworkDefinition
  var batch: Int
  var threads: Int
  var warmup: Int
  var repeats: Int
  /// Which versions to run, slow ones first.
  var versions: [Version]
  /// The layer to measure, by index, instead of all and the whole network.
  var only: Int?
  var seed: UInt32
  var progress: Progress

  /// The number of steps that `run` reports to its progress.
  var steps: Int {
    let whole = WholeNetwork.steps(warmup: warmup, repeats: repeats) * versions.count
    return 2 + 2 * (warmup + repeats) + (only == nil ? whole : 0)
  }

  /// Runs everything.
  ///
  /// The whole network goes first, on the fastest version before the others, so that its peak of
  /// memory is its own. Then the layers: the versions in turn, so that a drifting clock meets all.
  ///
  /// - Throws: `LayerError` for an impossible network, `MemoryError` for one that is too large for
  ///   this process.
  func run() throws -> CompareReport {
    let engine = Engine(threads: threads)
    let summary = try NetworkPlan(definition, batch: batch)
    let peak = GEMMPeak(definition, summary: summary)
    try requireMemory(summary, peak)
    var speeds: [CompareReport.Speed] = []
    if only == nil {
      let whole = WholeNetwork(
        definition: definition, batch: batch, threads: threads, warmup: warmup, repeats: repeats,
        seed: seed, progress: progress)
      for version in versions.reversed() {
        speeds.insert(try whole.measure(version, engine, name: version.rawValue), at: 0)
      }
    }
    // Behind the network, so that both have met a processor that is warm.
    progress.step("measuring the peak")
    let rate = peak.measure(
      // More threads than cores only wait for each other: the peak is that of the machine.
      threads: min(engine.threads, Engine.shared.threads), repeats: repeats)
    let layers = try LayerComparison(
      definition: definition, batch: batch, warmup: warmup, repeats: repeats, versions: versions,
      only: only, seed: seed, progress: progress
    ).measure(engine)
    progress.finish()
    return CompareReport(
      network: definition.name,
      environment: .current(
        threads: engine.threads, batch: batch, warmup: warmup, repeats: repeats),
      peak: rate, layers: layers, speeds: speeds)
  }

  /// Asks for the memory of all that is measured, before anything is.
  private func requireMemory(_ summary: NetworkPlan, _ peak: GEMMPeak) throws {
    // All layers side by side share their parameters; a whole network comes by itself, with momentum. The
    // networks are gone when the peak is measured.
    var need = MemoryNeed(
      summary, [.parameters(1)] + versions.map { _ in .running }, threads: threads)
    let whole = MemoryNeed(summary, [.network, .momentum], threads: threads)
    need.bytes = max(need.bytes, whole.bytes, peak.bytes(threads: threads))
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
