import Datasets
import Fast
import Foundation
import Layers
import Networks
import Reference
import Tensors
import Testing
import Training

/// A network that takes a millisecond, with everything that a run has to remember: momentum,
/// dropout, random crops.
func smallNetwork() -> NetworkDefinition {
  var net = NetworkBuilder(name: "small", channels: 3, height: 19, width: 19)
  let relu1 = net.convolutionReLU(
    "1", net.data, kernel: 5, outputs: 8, stride: 2, weights: .msra(), bias: 0)
  let pool1 = net.maxPool("pool1", relu1, kernel: 2, stride: 2)
  let relu2 = net.fullyConnectedReLU("2", pool1, outputs: 32, weights: .msra(), bias: 0)
  let drop2 = net.dropout("drop2", relu2)
  let fc3 = net.fullyConnected(
    "fc3", drop2, outputs: 10, weights: .gaussian(deviation: 0.01), bias: 0)
  net.softmaxWithLoss("loss", fc3)
  return net.definition
}

/// A run of the small network on pictures of 24×24.
func smallRun(
  threads: Int = 1, depth: Int = 2, rate: Float = 0.05, from snapshot: Snapshot? = nil,
  version: Twin = .fast
) throws -> TrainingRun<Float> {
  let definition = smallNetwork()
  let source = try CachedRecords(SyntheticImages(seed: 3, side: 24), count: 50)
  let transformer = DataTransformer(
    cropSize: 19, mean: .perChannel([104, 117, 123]), scale: 1 / 64, mirror: true)
  let loader = try BatchLoader(
    source, transformer: transformer, images: 8, isTraining: true,
    state: snapshot?.loader ?? LoaderState(seed: 5))
  let evaluated = try BatchLoader(
    source, transformer: transformer, images: 10, isTraining: false, state: LoaderState(seed: 5))
  func make(_ backend: some Backend<Float>) throws -> TrainingRun<Float> {
    let network = try Network(definition, backend: backend, batch: 8, seed: 2)
    let solver = try Solver(
      SolverSpecification(baseLearningRate: rate, momentum: 0.9, weightDecay: 5e-4),
      network: network, backend: backend)
    let evaluation = try Evaluation(definition, backend: backend, loader: evaluated, batches: 2)
    return TrainingRun(solver, loader: loader, evaluation: evaluation, depth: depth)
  }
  let run =
    switch version {
    case .fast: try make(FastBackend<Float>(engine: Engine(threads: threads)))
    case .reference: try make(ReferenceBackend<Float>())
    }
  if let snapshot { try run.resume(snapshot) }
  return run
}

@Suite("Training runs")
struct TrainingRunTests {
  @Test("the same seed gives the same bits on any number of threads, loaded ahead or not")
  func determinism() throws {
    var digests: Set<String> = []
    for (threads, depth) in [(1, 0), (1, 3), (2, 1), (3, 2)] {
      let run = try smallRun(threads: threads, depth: depth)
      for _ in 0..<12 { try run.step() }
      digests.insert(run.network.parameterDigest)
    }
    #expect(digests.count == 1)
    let other = try smallRun(rate: 0.051)
    for _ in 0..<12 { try other.step() }
    #expect(!digests.contains(other.network.parameterDigest))
  }

  @Test("tests disturb nothing, and count every image once")
  func evaluations() throws {
    let (watched, alone) = (try smallRun(), try smallRun())
    for _ in 0..<6 {
      try watched.step()
      try alone.step()
      let result = try #require(try watched.test())
      #expect(result.confusion.joined().reduce(0, +) == 20)
      #expect((0...1).contains(result.accuracy))
      let right = result.confusion.indices.reduce(0) { $0 + result.confusion[$1][$1] }
      #expect(result.accuracy == Double(right) / 20)
      #expect(result.loss > 0 && result.loss.isFinite)
    }
    #expect(watched.network.parameterDigest == alone.network.parameterDigest)
    #expect(watched.log.tests.map(\.iteration) == Array(1...6))
  }

  @Test("goes on from a snapshot as if it had never stopped", arguments: Twin.allCases)
  func resuming(version: Twin) throws {
    let folder = try TemporaryFolder()
    let straight = try smallRun(version: version)
    for _ in 0..<13 { try straight.step() }

    let first = try smallRun(version: version)
    for _ in 0..<7 { try first.step() }
    _ = try first.test()
    let file = folder.url.appending(path: "a.npz")
    try first.snapshot(settings: [1, 2, 3]).write(to: file)
    let snapshot = try Snapshot(contentsOf: file)
    #expect(snapshot.iteration == 7)
    #expect(snapshot.settings == [1, 2, 3])
    #expect(snapshot.log == first.log)
    // Taking it changes nothing either.
    let second = try smallRun(depth: 0, from: snapshot, version: version)
    for run in [first, second] {
      for _ in 0..<6 { try run.step() }
      #expect(run.network.parameterDigest == straight.network.parameterDigest)
      #expect(run.solver.momentumBuffers == straight.solver.momentumBuffers)
      #expect(run.log.losses == straight.log.losses)
    }
  }

  @Test("stops where a number goes wrong, and says where")
  func divergence() throws {
    let run = try smallRun(rate: 1e20)
    let error = #expect(throws: Divergence.self) { for _ in 0..<20 { try run.step() } }
    let divergence = try #require(error)
    #expect(divergence.iteration == run.solver.iteration)
    #expect(["conv1", "fc2", "fc3", "loss"].contains(divergence.layer))
    #expect(divergence.description.contains("iteration \(divergence.iteration): the loss is"))
    #expect(divergence.description.contains("learning rate"))
  }

  @Test("can't be tested without a loss")
  func noLoss() throws {
    var net = NetworkBuilder(name: "scores", channels: 3, height: 19, width: 19)
    _ = net.fullyConnected("fc", net.data, outputs: 10, weights: .msra(), bias: 0)
    let loader = try BatchLoader(
      CachedRecords(SyntheticImages(seed: 3, side: 19), count: 10), transformer: DataTransformer(),
      images: 2, isTraining: false, state: LoaderState(seed: 5))
    let error = #expect(throws: LayerError.self) {
      try Evaluation(
        net.definition, backend: FastBackend<Float>(), loader: loader, batches: 1)
    }
    #expect(
      error?.description.contains("the network must end in a SoftmaxWithLoss layer") == true)
  }

  @Test("a parameter that is no number makes no snapshot")
  func poisonedSnapshot() throws {
    let run = try smallRun()
    try run.step()
    run.network.parameters[0][0][3] = .nan
    let error = #expect(throws: Divergence.self) { _ = try run.snapshot() }
    #expect(error?.layer == run.network.definition.layers[0].name)
    let stopped = #expect(throws: Divergence.self) { try run.step() }
    #expect(stopped?.place == "its weights")
    #expect(run.solver.iteration == 1)
  }

  @Test("a NaN that max pooling passes over ends the run, with its place")
  func hiddenNaN() throws {
    let run = try smallRun()
    try run.step()
    let bias = run.network.parameters[0][1]
    run.network.parameters[0][1] = Tensor(bias.shape, repeating: .nan)
    let error = #expect(throws: Divergence.self) { try run.step() }
    #expect(error?.layer == "conv1" && error?.place == "its bias")
    #expect(run.solver.iteration == 1)
  }

  @Test("a parameter that overflows ends the run after its step")
  func overflow() throws {
    let run = try smallRun(rate: 1e38)
    let error = #expect(throws: Divergence.self) { for _ in 0..<5 { try run.step() } }
    #expect(error?.place.hasPrefix("its ") == true || error?.place.hasPrefix("blob") == true)
  }

  @Test("the ratio of update to weight is that of their norms")
  func ratios() throws {
    let run = try smallRun()
    try run.step()
    let (layer, ratios) = try #require(run.updateRatios.first)
    #expect(layer == "conv1")
    func norm(_ tensor: Tensor<Float>) -> Double {
      tensor.elements.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let expected = norm(run.solver.momentumBuffers[0][0]) / norm(run.network.parameters[0][0])
    // Sums of a few hundred squares in Double, in another order.
    #expect(abs(ratios[0] - expected) <= 1e-12 * expected)
  }
}

/// A folder that goes when the test does.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "training-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}
