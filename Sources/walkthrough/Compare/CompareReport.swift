import Fast

/// What a comparison of versions found. Text, JSON and charts are made from it.
struct CompareReport: Encodable {
  var network: String
  var environment: Environment
  var peak: GEMMPeak.Rate
  var layers: [Layer]
  /// The whole network, an entry for each version that was measured; none beside a single layer.
  var speeds: [Speed]

  /// Medians of one layer, an entry for each version that was measured, slow ones first.
  struct Layer: Encodable {
    var name: String
    /// Floating-point operations of forward and backward pass over the batch.
    var forwardFlops: Int
    var backwardFlops: Int
    var versions: [VersionReport]
  }

  /// The speed of one version on the whole network.
  struct Speed: Encodable {
    var version: Version
    /// Without dropout, gradients or anything kept for them.
    var forwardImagesPerSecond: Double
    /// The slowest and the fastest forward pass, to show how steady the machine was.
    var forwardImagesPerSecondRange: [Double]
    /// Forwards, backwards and a step of SGD with momentum and weight decay.
    var trainingImagesPerSecond: Double
    /// The slowest and the fastest training step.
    var trainingImagesPerSecondRange: [Double]
    /// GFLOP/s of the training step.
    var trainingGigaflops: Double
    /// The most memory that the process held since the measurement of this version began.
    var peakMemoryBytes: Int
    /// Page faults in the measured training steps, after warming up: 0 when memory stands still. A
    /// mean, so that a single one in all steps can be seen.
    var pageFaultsPerStep: Double
  }
}

// MARK: - JSON

extension CompareReport {
  private enum CodingKeys: String, CodingKey {
    case networkName, environment, roof, layers, network
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(network, forKey: .networkName)
    try container.encode(environment, forKey: .environment)
    try container.encode(peak, forKey: .roof)
    try container.encode(layers.map(LayerWithFormerKeys.init), forKey: .layers)
    try container.encode(NetworkEntries(speeds), forKey: .network)
  }

  /// The list of versions, and each under its name; Reference under its former one, too.
  private struct NetworkEntries: Encodable {
    var versions: [Speed]
    var reference, naive, fast, tuned: Speed?

    init(_ speeds: [Speed]) {
      func entry(_ version: Version) -> Speed? { speeds.first { $0.version == version } }
      versions = speeds
      (reference, naive, fast, tuned) = (
        entry(.reference), entry(.reference), entry(.fast), entry(.tuned)
      )
    }
  }

  /// A layer, and beside its list of versions the keys of when there were two.
  private struct LayerWithFormerKeys: Encodable {
    var layer: Layer

    private struct FormerKeys: Encodable {
      var naiveForwardSeconds, fastForwardSeconds: Double?
      var naiveBackwardSeconds, fastBackwardSeconds: Double?
      var naiveForwardSecondsRange, fastForwardSecondsRange: [Double]?
      var naiveBackwardSecondsRange, fastBackwardSecondsRange: [Double]?
      var maxDifference, maxRelativeDifference: Double?
      var maxGradientDifference, maxRelativeGradientDifference: Double?
    }

    func encode(to encoder: any Encoder) throws {
      try layer.encode(to: encoder)
      let (naive, fast) = (layer.versions[.reference], layer.versions[.fast])
      try FormerKeys(
        naiveForwardSeconds: naive?.forwardSeconds, fastForwardSeconds: fast?.forwardSeconds,
        naiveBackwardSeconds: naive?.backwardSeconds, fastBackwardSeconds: fast?.backwardSeconds,
        naiveForwardSecondsRange: naive?.forwardSecondsRange,
        fastForwardSecondsRange: fast?.forwardSecondsRange,
        naiveBackwardSecondsRange: naive?.backwardSecondsRange,
        fastBackwardSecondsRange: fast?.backwardSecondsRange,
        maxDifference: fast?.difference?.absolute,
        maxRelativeDifference: fast?.difference?.relative,
        maxGradientDifference: fast?.gradientDifference?.absolute,
        maxRelativeGradientDifference: fast?.gradientDifference?.relative
      ).encode(to: encoder)
    }
  }
}

// MARK: - Circumstances

extension CompareReport {
  /// Under what circumstances was measured.
  struct Environment: Encodable {
    /// `release` or `debug`.
    var build: String
    var processor: String
    var blas: String
    var threads: Int
    var batch: Int
    var warmup: Int
    var repeats: Int
  }
}

extension CompareReport.Environment {
  /// Under what circumstances this program measures now.
  static func current(threads: Int, batch: Int, warmup: Int, repeats: Int) -> Self {
    .init(
      build: BuildMode.name, processor: SystemReadings.processor,
      blas: "\(BLASLibrary.version), \(BLASLibrary.kernels) kernels",
      threads: threads, batch: batch, warmup: warmup, repeats: repeats)
  }

  /// The first lines of what a command shows: what was measured, then where. Of a debug build
  /// the first says that its times say nothing.
  ///
  /// - Parameter varied: `batch` or `threads`, if the table below has a row for each value.
  func heading(_ title: String, varying varied: String? = nil) -> [String] {
    let first =
      build == "debug"
      ? "DEBUG BUILD: these times say nothing. Build in release mode: script/walkthrough compare"
      : "\(title), \(build) build"
    return [
      first, "processor \(processor), \(fixed(varying: varied))", blas,
      "medians of \(repeats) runs after \(warmup) to warm up",
    ]
  }

  /// The line below a chart's title: the same in brief.
  ///
  /// - Parameter varied: `batch` or `threads`, if the chart has bars for each value.
  func caption(varying varied: String? = nil) -> String {
    let build = build == "debug" ? "DEBUG BUILD: these times say nothing" : "\(build) build"
    return "\(processor), \(fixed(varying: varied)), \(build), medians of \(repeats)"
  }

  private func fixed(varying varied: String?) -> String {
    [
      varied == "threads" ? nil : "\(threads) threads", varied == "batch" ? nil : "batch \(batch)",
    ].compactMap { $0 }.joined(separator: ", ")
  }
}
