import CaffeFormats
import Datasets
import Fast
import GradientChecking
import Layers
import NetworkChecking
import Networks
import Tensors
import Testing
import Training

@Suite("Layers of one's own, trained and stored")
struct OwnLayersInTraining {
  /// mini with a PReLU and a batch normalisation between conv1 and pool1.
  private func definition() -> NetworkDefinition {
    var net = mini()
    net.name = "mini with layers of our own"
    net.layers[1] = LayerDefinition(
      name: "prelu1", specification: PReLUSpecification(), bottoms: ["conv1"], top: "prelu1",
      parameters: [ParameterDefinition(decayMultiplier: 0)])
    net.layers.insert(
      LayerDefinition(
        name: "norm0", specification: BatchNormSpecification(), bottoms: ["prelu1"], top: "norm0"),
      at: 2)
    net.layers[3].bottoms = ["norm0"]
    return net
  }

  private func run(seed: UInt32 = 1, from snapshot: Snapshot? = nil) throws -> TrainingRun<Float> {
    let network = try Network(
      definition(), backend: FastBackend<Float>(), batch: 4, seed: seed, keepingGradients: false)
    // A decay that would take state away quickly.
    let solver = try Solver(
      SolverSpecification(baseLearningRate: 0.01, momentum: 0.9, weightDecay: 0.5),
      network: network, backend: FastBackend<Float>())
    let loader = try BatchLoader(
      CachedRecords(SyntheticImages(seed: 3, side: 99), count: 20),
      transformer: DataTransformer(scale: miniPixelScale), images: 4, isTraining: true,
      state: snapshot?.loader ?? LoaderState(seed: 5))
    let run = TrainingRun(solver, loader: loader, depth: 0)
    if let snapshot { try run.resume(snapshot) }
    return run
  }

  private func trained() throws -> TrainingRun<Float> {
    let run = try run()
    for _ in 0..<3 { try run.step() }
    return run
  }

  @Test func theWholeNetworkIsRight() throws {
    let network = try Network(definition(), backend: FastBackend<Double>(), batch: 2)
    var generator = SplitMix64(seed: 3)
    try network.load(images: .normal(network.input.shape, using: &generator), labels: [1, 7])
    for layer in ["conv1", "prelu1", "norm0"] {
      let report = try check(
        network, layer: layer, options: CheckOptions(mode: .sampled(3), directions: 1))
      let passed = report.passed
      #expect(passed, "\(report.explanation)")
      #expect(!report.tensors.isEmpty)
    }
  }

  /// The slopes start at 0.25 and learn; means and variances follow the batches and don't decay.
  @Test func training() throws {
    let network = try trained().network
    let (slopes, norm) = (network.parameters[1][0], network.parameters[2])
    #expect(slopes.elements.allSatisfy { abs($0 - 0.25) < 0.2 })
    // A channel without a negative number has no gradient.
    #expect(slopes.elements.count { $0 != 0.25 } > slopes.count / 2)
    #expect(norm[2].elements.allSatisfy { $0 != 0 })
    // After three batches, 0.9³ of the 1 that the variance starts with is left in it.
    #expect(norm[3].elements.allSatisfy { $0 > 0.728 })
    let state = Array(norm[2...])
    network.context.phase = .testing
    let testing = try network.forward()
    #expect(Array(network.parameters[2][2...]) == state)
    network.context.phase = .training
    let training = try network.forward()
    #expect(testing != training)
    #expect(Array(network.parameters[2][2...]) != state)
  }

  @Test func aSnapshotKeepsState() throws {
    let straight = try trained()
    let snapshot = try straight.snapshot()
    let resumed = try run(seed: 2, from: snapshot)
    #expect(resumed.network.parameters == straight.network.parameters)
    for run in [straight, resumed] { try run.step() }
    #expect(resumed.network.parameters == straight.network.parameters)
  }

  @Test func aModelKeepsState() throws {
    let network = try trained().network
    let other = try Network(definition(), backend: FastBackend<Float>(), seed: 2)
    let report = try CaffeModel(of: network).copy(into: other)
    #expect(report.untouched.isEmpty && report.ignored.isEmpty)
    #expect(report.copied.contains("prelu1") && report.copied.contains("norm0"))
    #expect(other.parameters == network.parameters)
    let plan = try NetworkPlan(definition())
    let (tensors, _) = try CaffeModel(of: network).parameters(of: plan, as: Float.self)
    #expect(tensors["norm0"] == network.parameters[2])
  }

  @Test func noPrototxtHasWordsForThem() {
    let error = #expect(throws: LayerError.self) { try definition().deployForm(batch: 1) }
    #expect(
      error?.description.hasPrefix(
        "prelu1: type PReLU can't be written to a prototxt: it is a layer of your own") == true)
  }
}
