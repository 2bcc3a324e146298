/// What a comparison of the two versions found. Text, JSON and charts are made from it.
struct CompareReport: Encodable {
  var network: String
  var environment: Environment
  var roof: Roof
  var layers: [Layer]
  var totals: Totals

  enum CodingKeys: String, CodingKey {
    case networkName, environment, roof, layers
    case totals = "network"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(network, forKey: .networkName)
    try container.encode(environment, forKey: .environment)
    try container.encode(roof, forKey: .roof)
    try container.encode(layers, forKey: .layers)
    try container.encode(totals, forKey: .totals)
  }

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

  /// What the machine could do at best.
  struct Roof: Encodable {
    /// Of the matrix products of a training step alone, one on each thread at the same time.
    var gemmGigaflops: Double
  }

  /// Medians of one layer, and what they mean.
  struct Layer: Encodable {
    var name: String
    var naiveForwardSeconds: Double?
    var fastForwardSeconds: Double?
    var naiveBackwardSeconds: Double?
    var fastBackwardSeconds: Double?
    /// The least and the greatest of the times that each median is of.
    var naiveForwardSecondsRange: [Double]?
    var fastForwardSecondsRange: [Double]?
    var naiveBackwardSecondsRange: [Double]?
    var fastBackwardSecondsRange: [Double]?
    /// The greatest difference between the outputs of the two versions.
    var maxDifference: Double?
    /// The same by the largest magnitude of the naive output.
    var maxRelativeDifference: Double?
    /// The greatest difference between the gradients of the two versions, that of the layer's input
    /// and those of its parameters; missing where a layer has none.
    var maxGradientDifference: Double?
    /// The greatest of these differences, each by the largest magnitude of its naive gradient.
    var maxRelativeGradientDifference: Double?
    /// Floating-point operations of forward and backward pass over the batch.
    var forwardFlops: Int
    var backwardFlops: Int
  }

  /// The whole network, naive and fast; what was not measured is missing.
  struct Totals: Encodable {
    var naive: Version?
    var fast: Version?
  }

  /// The speed of one version on the whole network.
  struct Version: Encodable {
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

extension CompareReport.Layer {
  /// The medians of what was measured of a layer, and how far it spread.
  init(
    name: String, _ result: LayerComparison.Result, forwardFlops: Int, backwardFlops: Int
  ) {
    self.init(
      name: name, naiveForwardSeconds: result.naive.forward.medianIfAny,
      fastForwardSeconds: result.fast.forward.medianIfAny,
      naiveBackwardSeconds: result.naive.backward.medianIfAny,
      fastBackwardSeconds: result.fast.backward.medianIfAny,
      naiveForwardSecondsRange: result.naive.forward.rangeIfAny,
      fastForwardSecondsRange: result.fast.forward.rangeIfAny,
      naiveBackwardSecondsRange: result.naive.backward.rangeIfAny,
      fastBackwardSecondsRange: result.fast.backward.rangeIfAny,
      maxDifference: result.outputs.absolute, maxRelativeDifference: result.outputs.relative,
      maxGradientDifference: result.gradients.absolute,
      maxRelativeGradientDifference: result.gradients.relative, forwardFlops: forwardFlops,
      backwardFlops: backwardFlops)
  }
}
