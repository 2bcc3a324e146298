import CaffeTools
import Fast
import Layers
import Networks
import Tensors
import Training

/// Measures forward passes and training steps of a whole network on one version.
struct WholeNetwork {
  var definition: NetworkDefinition
  var batch: Int
  var threads: Int
  var warmup: Int
  var repeats: Int
  var seed: UInt32
  var progress: Progress

  /// The number of steps that `measure` reports to its progress.
  static func steps(warmup: Int, repeats: Int) -> Int { 1 + 2 * (warmup + repeats) }

  /// A training step's.
  var memoryNeed: MemoryNeed {
    get throws {
      try MemoryNeed(
        NetworkPlan(definition, batch: batch), [.network, .momentum], threads: threads)
    }
  }

  /// Measures, in new memory.
  ///
  /// - Parameter name: what progress calls it.
  func measure(
    _ version: Version, _ engine: Engine, name: String
  ) throws -> CompareReport.Speed {
    progress.step("\(name): laying out the network")
    try memoryNeed.require()
    SystemReadings.resetPeakMemory()
    let backend = version.backend(engine: engine)
    let network = try Network(
      definition, backend: backend, batch: batch, phase: .testing, seed: seed,
      keepingGradients: false)
    try network.loadNoise(seed: seed)
    var forward = Measurement()
    for index in 0..<warmup + repeats {
      progress.step("\(name): forwards")
      if index < warmup {
        try network.forward()
      } else {
        try forward.time { try network.forward() }
      }
    }

    network.context.phase = .training
    let specification = SolverSpecification(
      baseLearningRate: 1e-3, momentum: 0.9, weightDecay: 5e-4)
    let solver = try Solver(specification, network: network, backend: backend)
    var training = Measurement()
    var faults = 0
    for index in 0..<warmup + repeats {
      progress.step("\(name): training")
      if index == warmup { faults = SystemReadings.pageFaults }
      if index < warmup {
        _ = try solver.step { _ in }
      } else {
        try training.time { _ = try solver.step { _ in } }
      }
    }
    faults = SystemReadings.pageFaults - faults
    let images = Double(batch)
    return .init(
      version: version, forwardImagesPerSecond: images / forward.median,
      forwardImagesPerSecondRange: [
        images / forward.range.greatest, images / forward.range.least,
      ],
      trainingImagesPerSecond: images / training.median,
      trainingImagesPerSecondRange: [
        images / training.range.greatest, images / training.range.least,
      ],
      trainingGigaflops: Double(definition.trainingFlops(network.plan)) / training.median * 1e-9,
      peakMemoryBytes: SystemReadings.peakMemoryBytes,
      pageFaultsPerStep: Double(faults) / Double(max(repeats, 1)))
  }
}

extension NetworkDefinition {
  /// Operations of a training step over the batch: three products a layer, but none for the
  /// gradient of the images.
  fileprivate func trainingFlops(_ summary: NetworkPlan) -> Int {
    summary.layers.indices.reduce(0) { sum, index in
      sum + summary.layers[index].floatingPointOperations + backwardFlops(summary, index)
    }
  }

  /// Operations of a layer's backward pass over the batch.
  func backwardFlops(_ summary: NetworkPlan, _ index: Int) -> Int {
    let readsImages = layers[index].bottoms.first == data
    return summary.layers[index].floatingPointOperations * (readsImages ? 1 : 2)
  }
}

extension Network<Float> {
  /// A batch of normally distributed pixels with the deviation of photographs, labels in turn.
  func loadNoise(seed: UInt32) throws {
    var generator = SplitMix64(seed: UInt64(seed))
    let classes = plan.layers.last?.input.channels ?? 1
    try load(
      images: .normal(input.shape, deviation: 50, using: &generator),
      labels: (0..<input.shape.images).map { $0 % Swift.max(classes, 1) })
  }
}
