import Datasets
import Fast
import Layers
import Networks
import NumPyFiles
import Reference
import Tensors
import Testing
import Training

/// A run of the small network, which begins with the parameters of `Float`.
private func run<Scalar>(
  _ backend: some Backend<Scalar>, from snapshot: Snapshot? = nil
) throws -> TrainingRun<Scalar> {
  let definition = smallNetwork()
  let source = try CachedRecords(SyntheticImages(seed: 3, side: 24), count: 48)
  let transformer = DataTransformer(cropSize: 19, scale: 1 / 64, mirror: true)
  func loader(isTraining: Bool) throws -> BatchLoader {
    try BatchLoader(
      source, transformer: transformer, images: 8, isTraining: isTraining,
      state: isTraining ? snapshot?.loader ?? LoaderState(seed: 5) : LoaderState(seed: 5))
  }
  let start = try Network(definition, backend: ReferenceBackend<Float>(), seed: 2).parameters
  let network = try Network(
    definition, backend: backend, batch: 8, seed: 2,
    parameters: start.map { $0.map { $0.converted() } })
  let solver = try Solver(
    SolverSpecification(baseLearningRate: 0.02, momentum: 0.9, weightDecay: 5e-4),
    network: network, backend: backend)
  let run = TrainingRun(
    solver, loader: try loader(isTraining: true),
    evaluation: try Evaluation(
      definition, backend: backend, loader: loader(isTraining: false), batches: 3))
  if let snapshot { try run.resume(snapshot) }
  return run
}

@Suite("Training in Double")
struct DoubleTests {
  /// The longest sums are those of a filter's gradient over 8 pictures of 8×8 places: 512 products, each
  /// rounded by 2⁻²⁴ of the sum so far. Roundings of either sign add up to some 20 of them at most, and
  /// each of seven layers adds as much: 140·2⁻²⁴ = 8e-6.
  @Test("gradients, losses and steps agree with those of Float to Float's rounding")
  func againstFloat() throws {
    let (single, double) = (try run(FastBackend<Float>()), try run(FastBackend<Double>()))
    for iteration in 0..<3 {
      let losses = (Double(try single.step()), try double.step())
      // A step of 0.02 and less hands errors on to the next gradients.
      let bound = 1e-5 * Double(iteration + 1)
      #expect(abs(losses.0 - losses.1) <= bound * losses.1)
      for (a, b) in zip(
        single.network.parameterGradients.joined(), double.network.parameterGradients.joined())
      {
        #expect(a.converted().largestDifference(to: b) <= bound * b.largestMagnitude)
      }
    }
    let tests = (try #require(try single.test()), try #require(try double.test()))
    #expect(abs(tests.0.loss - tests.1.loss) <= 3e-5 * tests.1.loss)
    #expect(tests.0.confusion.joined().reduce(0, +) == 24)
  }

  /// Roundings of 2⁻⁵³ that 20 steps blow up, but by no factor of a million.
  @Test("Reference and Fast agree after 20 iterations to ten digits")
  func versions() throws {
    let (reference, fast) = (try run(ReferenceBackend<Double>()), try run(FastBackend<Double>()))
    for _ in 0..<20 { _ = (try reference.step(), try fast.step()) }
    for (a, b) in zip(reference.log.losses, fast.log.losses) { #expect(abs(a - b) <= 1e-10 * b) }
    for (a, b) in zip(reference.network.parameters.joined(), fast.network.parameters.joined()) {
      #expect(a.largestDifference(to: b) <= 1e-10 * b.largestMagnitude)
    }
    // Float's rounding would show.
    #expect(fast.log.losses.contains { Double(Float($0)) != $0 })
  }

  @Test("goes on from a snapshot with the same bits, and from one of its own precision only")
  func snapshots() throws {
    let straight = try run(FastBackend<Double>())
    for _ in 0..<9 { try straight.step() }
    let first = try run(FastBackend<Double>())
    for _ in 0..<4 { try first.step() }
    let bytes = try first.snapshot().encoded()
    #expect(try NumPyArchive(decoding: bytes)["parameter/fc2/0"]?.elementType == .float64)
    let snapshot = try Snapshot(decoding: bytes)
    let resumed = try run(FastBackend<Double>(), from: snapshot)
    for _ in 4..<9 { try resumed.step() }
    #expect(resumed.network.parameterDigest == straight.network.parameterDigest)
    #expect(resumed.log == straight.log)

    let single = try run(FastBackend<Float>())
    let error = #expect(throws: SnapshotError.self) { try single.resume(snapshot) }
    #expect(
      error?.description
        == "history/conv1/0 is of type f8, and this run computes with f4 (f4 is Float, f8 is Double): "
        + "go on in the precision of the snapshot")
    #expect(throws: SnapshotError.self) {
      try run(FastBackend<Double>()).resume(single.snapshot())
    }
  }
}
