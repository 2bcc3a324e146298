import CaffeTools
import GradientChecking
import Layers
import NetworkChecking
import Networks
import Reference
import Tensors

/// Checks a whole network: the loss with respect to each of its parameters, in Double, dropout and all.
struct EndToEndCheck {
  var definition: NetworkDefinition
  /// Those among them that have layers in Double are checked.
  var versions: [Version]
  /// Checks the parameters of this layer only, by name.
  var layer: String?
  var mode: CheckOptions.Mode
  var seed: UInt64
  var progress: Progress

  /// The number of steps that `run` reports to its progress.
  func steps() throws -> Int {
    try NetworkPlan(definition).layers.filter { layer == nil || $0.name == layer }
      .reduce(0) { $0 + $1.parameters.count } * versions.count
  }

  /// Checks the chosen versions.
  ///
  /// - Throws: `LayerError` for an impossible network.
  func run() throws -> GradientReport {
    var report = GradientReport()
    for backend in versions.compactMap({ $0.doubleBackend() }) {
      report = report.merging(try check(backend))
    }
    progress.finish()
    return report
  }

  /// Checks the second derivatives of the loss, on the chosen versions.
  ///
  /// - Throws: as `run`.
  func runSecond() throws -> SecondReport {
    var report = SecondReport()
    for backend in versions.compactMap({ $0.doubleBackend() }) {
      report = report.merging(try checkSecond(backend))
    }
    progress.finish()
    return report
  }

  private func checkSecond(_ backend: some Backend<Double>) throws -> SecondReport {
    // In Double, beside the network: some 30 vectors of all gradients for quotients and noise. A network of
    // dual numbers, with copies of parameters and gradients, has two Doubles for each of its numbers.
    try MemoryNeed(
      NetworkPlan(definition), [.network, .parameters(48), .blobs(3)], precision: Double.self
    ).require()
    var current = ""
    return try NetworkChecking.checkSecond(
      network(on: backend), exact: ReferenceBackend<Dual<Double>>(),
      options: CheckOptions(mode: mode, directions: 1, isEconomical: true, seed: seed)
    ) { state in
      if state.tensor != current {
        current = state.tensor
        progress.step("\(current), \(backend.name)")
      }
      return true
    }
  }

  private func network<Scalar>(on backend: some Backend<Scalar>) throws -> Network<Scalar> {
    let network = try Network(
      definition, backend: backend, seed: UInt32(truncatingIfNeeded: seed))
    var generator = SplitMix64(seed: seed)
    // Pixels of a photograph spread about so far from the mean.
    try network.load(
      images: .normal(network.input.shape, deviation: 50, using: &generator), labels: [3])
    return network
  }

  private func check(_ backend: some Backend<Double>) throws -> GradientReport {
    // The last are parameters a step to either side.
    try MemoryNeed(
      NetworkPlan(definition), [.network, .parameters(2)], precision: Double.self
    ).require()
    var current = ""
    return try NetworkChecking.check(
      network(on: backend), layer: layer,
      options: CheckOptions(
        mode: mode, directions: 2, exactElements: 0, isEconomical: true, seed: seed)
    ) { state in
      if state.tensor != current {
        current = state.tensor
        progress.step("\(current), \(backend.name)")
      }
      return true
    }
  }
}
