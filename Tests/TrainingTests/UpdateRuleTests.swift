import Datasets
import Fast
import Foundation
import Layers
import Networks
import NumPyFiles
import Reference
import Tensors
import Testing
import Training

/// A run of the small network by a rule.
private func run(
  _ rule: any UpdateRule, blocks: Int = 1, on communicator: any Communicator = SingleProcess(),
  rate: Float = 0.002, clip: Float? = 1, from snapshot: Snapshot? = nil
) throws -> TrainingRun<Float> {
  let loader = try BatchLoader(
    CachedRecords(SyntheticImages(seed: 3, side: 24), count: 48),
    transformer: DataTransformer(cropSize: 19, scale: 1 / 64, mirror: true), images: 24 / blocks,
    isTraining: true, state: snapshot?.loader ?? LoaderState(seed: 5))
  let backend = FastBackend<Float>(engine: Engine(threads: 1))
  let network = try Network(smallNetwork(), backend: backend, batch: 24 / blocks, seed: 2)
  let solver = try Solver(
    SolverSpecification(
      baseLearningRate: rate, momentum: 0.9, weightDecay: 5e-4, gradientNormLimit: clip),
    network: network, backend: backend, rule: rule, blocks: blocks, communicator: communicator)
  let run = TrainingRun(solver, loader: loader)
  if let snapshot { try run.resume(snapshot) }
  return run
}

/// The gradient itself at a rate of 1 for all parameters, and nothing to remember.
private struct Plain: UpdateRule {
  let name = "plain"
  let stateCount = 0

  func take<Scalar: Tensors.Scalar>(
    _ step: SGDStep, iteration: Int, on parameter: inout Tensor<Scalar>,
    state: inout [Tensor<Scalar>], gradient: Tensor<Scalar>, backend: any Backend<Scalar>
  ) {
    for i in 0..<parameter.count { parameter[i] -= Scalar(step.gradientScale) * gradient[i] }
  }
}

@Suite("Update rules of one's own")
struct UpdateRuleTests {
  /// The paper says at the end of its section 2 how to compute less: √(1 − β₂ᵗ)/(1 − β₁ᵗ) goes into the
  /// rate, and ε with it.
  @Test("Adam is the paper's, in the other order that the paper gives")
  func adam() {
    let (rate, decay, scale) = (0.01, 0.1, 0.5)
    let gradients = [[3.0, -1e-3, 0, 20], [2, 1e-3, 0, -20], [-1, 1e-3, 1e-9, 5], [0, 0, 1, 1]]
    var parameter = Tensor<Double>(Shape(4), [1, -2, 0, 0.5])
    var state = [Tensor<Double>](repeating: Tensor(Shape(4)), count: 2)
    var (w, m, v) = (parameter.elements, [0.0, 0, 0, 0], [0.0, 0, 0, 0])
    for (iteration, gradient) in gradients.enumerated() {
      let t = Double(iteration + 1)
      let root = (1 - pow(0.999, t)).squareRoot()
      let correctedRate = rate * root / (1 - pow(0.9, t))
      Adam().take(
        SGDStep(rate: rate, momentum: 0.5, decay: decay, gradientScale: scale),
        iteration: iteration, on: &parameter, state: &state,
        gradient: Tensor(Shape(4), gradient), backend: ReferenceBackend<Double>())
      for i in 0..<4 {
        let g = scale * gradient[i] + decay * w[i]
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        w[i] -= correctedRate * m[i] / (v[i].squareRoot() + 1e-8 * root)
        // Some ten roundings of 2⁻⁵³ each a step; 1 − 0.999 keeps three digits less.
        #expect(abs(parameter[i] - w[i]) <= 1e-13)
      }
    }
  }

  @Test("learns, and goes on from a snapshot as if it had never stopped")
  func learning() throws {
    let straight = try run(Adam())
    for _ in 0..<150 { try straight.step() }
    let losses = straight.log.losses
    let (early, late) = (losses.prefix(10).reduce(0, +), losses.suffix(10).reduce(0, +))
    #expect(late < 0.7 * early)
    #expect(straight.updateRatios.isEmpty)

    let first = try run(Adam())
    for _ in 0..<25 { try first.step() }
    let bytes = try first.snapshot().encoded()
    let archive = try NumPyArchive(decoding: bytes)
    #expect(archive.names.contains("state/adam/fc2/0/1") && archive.names.contains("rule"))
    #expect(!archive.names.contains { $0.hasPrefix("history") })
    let resumed = try run(Adam(), from: Snapshot(decoding: bytes))
    #expect(resumed.solver.states == first.solver.states)
    for _ in 25..<150 { try resumed.step() }
    #expect(resumed.network.parameterDigest == straight.network.parameterDigest)
    #expect(resumed.log == straight.log)
  }

  @Test("a rule that hands on to SGD is SGD at its own rates, snapshots included")
  func warmUp() throws {
    let (warm, cold) = (try run(WarmUp(iterations: 4), rate: 0.02), try run(SGD(), rate: 0.005))
    try warm.step()
    try cold.step()
    // A rate of 0.02/4 is Double's, 0.005 Float's: 2⁻²⁵ of a step apart, of which parameters keep Float.
    for (a, b) in zip(warm.network.parameters.joined(), cold.network.parameters.joined()) {
      #expect(a.largestDifference(to: b) <= 0x1p-23 * b.largestMagnitude)
    }
    #expect(!warm.updateRatios.isEmpty)
    let resumed = try run(WarmUp(iterations: 4), rate: 0.02, from: warm.snapshot())
    try warm.step()
    try resumed.step()
    #expect(resumed.network.parameterDigest == warm.network.parameterDigest)
  }

  @Test("a snapshot of another rule is refused")
  func refusal() throws {
    for (own, other) in [(Adam(), SGD()), (SGD(), Adam()), (Plain(), SGD()), (SGD(), Plain())]
      as [(any UpdateRule, any UpdateRule)]
    {
      let snapshot = try run(other).snapshot()
      #expect(snapshot.rule == other.name)
      let run = try run(own)
      let digest = run.network.parameterDigest
      let error = #expect(throws: SnapshotError.self) { try run.resume(snapshot) }
      #expect(
        error?.description
          == "the snapshot is of a run with the update rule \(other.name); this run has \(own.name). "
          + "Go on with \(other.name), or start a run of its own from the parameters (restore)")
      #expect(run.network.parameterDigest == digest)
    }
  }

  @Test("gives the same bits on any number of ranks, with clipped gradients")
  func ranks() throws {
    let alone = try run(Adam(), blocks: 4)
    for _ in 0..<4 { try alone.step() }
    let snapshot = try alone.snapshot().encoded()
    for size in 2...4 {
      let results = ThreadCommunicator.run(size) { communicator in
        let run = try run(Adam(), blocks: 4, on: communicator)
        for _ in 0..<4 { try run.step() }
        return try run.snapshot().encoded()
      }
      for result in results { #expect(try result.get() == snapshot) }
    }
  }

  @Test("rank 0 gives the others what the rule remembers")
  func broadcast() throws {
    let start = try run(Adam(), blocks: 2)
    for _ in 0..<2 { try start.step() }
    let snapshot = try start.snapshot()
    let results = ThreadCommunicator.run(2) { communicator in
      let run = try run(
        Adam(), blocks: 2, on: communicator, from: communicator.rank == 0 ? snapshot : nil)
      try run.solver.broadcastState()
      return run.solver.states
    }
    for result in results { #expect(try result.get() == start.solver.states) }
  }

  @Test("the gradient's scale is that of clipping and of several blocks", arguments: [1, 3])
  func scale(blocks: Int) throws {
    let run = try run(Plain(), blocks: blocks, clip: 0.25)
    let before = run.network.parameters
    try run.step()
    var squares = 0.0
    for (old, new) in zip(before.joined(), run.network.parameters.joined()) {
      squares += (old - new).squaredNorm
    }
    // w − (w − g) in Float: some 10,000 numbers are each off by 2⁻²⁵ of weights below 1.
    #expect(abs(squares.squareRoot() - 0.25) <= 1e-5)
    #expect(run.solver.states.joined().joined().isEmpty)
  }
}
