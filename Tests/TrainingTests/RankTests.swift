import Datasets
import Fast
import Foundation
import Layers
import Networks
import Synchronization
import Tensors
import Testing

@testable import Training

/// A run of the small network on a batch of 24 images, cut into blocks.
private func blockRun(
  blocks: Int, on communicator: any Communicator = SingleProcess(), passes: Int = 1,
  overlaps: Bool = false, clip: Float? = nil, momentum: Float = 0.9, from snapshot: Snapshot? = nil,
  source: (any RecordSource)? = nil
) throws -> TrainingRun<Float> {
  let source = try source ?? CachedRecords(SyntheticImages(seed: 3, side: 24), count: 50)
  let transformer = DataTransformer(
    cropSize: 19, mean: .perChannel([104, 117, 123]), scale: 1 / 64, mirror: true)
  let loader = try BatchLoader(
    source, transformer: transformer, images: 24 / blocks, isTraining: true,
    state: snapshot?.loader ?? LoaderState(seed: 5))
  let backend = FastBackend<Float>(engine: Engine(threads: 1))
  let network = try Network(
    smallNetwork(), backend: backend, batch: 24 / blocks, seed: 2, keepingGradients: false)
  let solver = try Solver(
    SolverSpecification(
      baseLearningRate: 0.05, momentum: momentum, weightDecay: 5e-4, gradientNormLimit: clip,
      gradientAccumulationSteps: passes),
    network: network, backend: backend, blocks: blocks, communicator: communicator,
    overlaps: overlaps)
  let run = TrainingRun(solver, loader: loader)
  if let snapshot { try run.resume(snapshot) }
  return run
}

/// What has to be the same on every number of ranks.
private struct Outcome: Hashable, Sendable {
  var digest: String
  var losses: [Double]
  var results: [String: Float]
  var snapshot: [UInt8]

  init(_ run: TrainingRun<Float>, steps: Int) throws {
    for _ in 0..<steps { try run.step() }
    digest = run.network.parameterDigest
    losses = run.log.losses
    results = run.solver.results
    snapshot = try run.snapshot().encoded()
  }
}

@Suite("Training on several ranks")
struct RankTests {
  @Test(
    "gives the same bits on any number of ranks: parameters, losses, snapshots",
    arguments: [
      (8, 1, false), (8, 1, true), (6, 2, false), (3, 1, false), (12, 3, true), (4, 2, false),
    ])
  func sameBits(blocks: Int, passes: Int, overlaps: Bool) throws {
    let alone = try Outcome(blockRun(blocks: blocks, passes: passes), steps: 4)
    for size in 1...min(blocks, 8) {
      let outcomes = ThreadCommunicator.run(size) { communicator in
        try Outcome(
          blockRun(blocks: blocks, on: communicator, passes: passes, overlaps: overlaps), steps: 4)
      }
      for outcome in outcomes { #expect(try outcome.get() == alone, "\(size) ranks") }
    }
  }

  @Test("one block is the run that knows of no blocks")
  func oneBlock() throws {
    // Made by the same calls as `blockRun` before there were blocks.
    let source = try CachedRecords(SyntheticImages(seed: 3, side: 24), count: 50)
    let transformer = DataTransformer(
      cropSize: 19, mean: .perChannel([104, 117, 123]), scale: 1 / 64, mirror: true)
    var loader = try BatchLoader(
      source, transformer: transformer, images: 24, isTraining: true, state: LoaderState(seed: 5))
    let backend = FastBackend<Float>(engine: Engine(threads: 1))
    let network = try Network(smallNetwork(), backend: backend, batch: 24, seed: 2)
    let solver = try Solver(
      SolverSpecification(
        baseLearningRate: 0.05, momentum: 0.9, weightDecay: 5e-4, gradientAccumulationSteps: 2),
      network: network, backend: backend)
    var batch = loader.makeBatch()
    for _ in 0..<3 {
      _ = try solver.step {
        try loader.fill(&batch)
        try $0.load(images: batch.images, labels: batch.labels)
      }
    }
    let run = try blockRun(blocks: 1, passes: 2)
    for _ in 0..<3 { try run.step() }
    #expect(run.network.parameterDigest == network.parameterDigest)
    #expect(run.network.context.random == network.context.random)
  }

  /// Without dropout, which has a generator for each block, blocks change nothing but the order of
  /// additions. Float has 24 bits; sums of 24 images lose some, so gradients agree to 1e-5 of the
  /// largest.
  @Test("the gradient is that of the whole batch", arguments: [2, 3, 8, 24])
  func gradient(blocks: Int) throws {
    func step(blocks: Int) throws -> (Network<Float>, Float) {
      var definition = smallNetwork()
      definition.layers.removeAll { $0.specification is DropoutSpecification }
      let source = try CachedRecords(SyntheticImages(seed: 3, side: 19), count: 50)
      let loader = try BatchLoader(
        source, transformer: DataTransformer(scale: 1 / 64), images: 24 / blocks,
        isTraining: false, state: LoaderState(seed: 5))
      let backend = FastBackend<Float>(engine: Engine(threads: 1))
      let network = try Network(definition, backend: backend, batch: 24 / blocks, seed: 2)
      // Without momentum and decay, and at a rate of 1, the step is the clipped gradient.
      let solver = try Solver(
        SolverSpecification(baseLearningRate: 1, gradientNormLimit: 0.5), network: network,
        backend: backend, blocks: blocks)
      return (network, try TrainingRun(solver, loader: loader).step())
    }
    let (whole, wholeLoss) = try step(blocks: 1)
    let (cut, cutLoss) = try step(blocks: blocks)
    #expect(abs(wholeLoss - cutLoss) <= 1e-5 * wholeLoss)
    for (a, b) in zip(whole.parameters.joined(), cut.parameters.joined()) {
      #expect(a.largestDifference(to: b) <= 1e-5 * a.largestMagnitude)
    }
  }

  /// A layer between the owner and the one that shares is large enough for a group of its own.
  @Test("a shared parameter's gradient reaches its owner, on any number of ranks")
  func shared() throws {
    @Sendable func digest(on communicator: any Communicator, overlaps: Bool) throws -> String {
      var net = NetworkBuilder(name: "net", channels: 3, height: 2, width: 2)
      net.add("narrow", InnerProductSpecification(outputs: 1024), net.data)
      for (name, bottom, shared) in [
        ("owner", "narrow", "w"), ("between", "owner", nil), ("sharer", "between", "w"),
      ] {
        net.add(
          name, InnerProductSpecification(outputs: 1024), bottom,
          parameters: [ParameterDefinition(filler: .msra(), name: shared), ParameterDefinition()])
      }
      net.softmaxWithLoss("loss", "sharer")
      let backend = FastBackend<Float>(engine: Engine(threads: 1))
      let network = try Network(net.definition, backend: backend, batch: 2, seed: 2)
      let loader = try BatchLoader(
        CachedRecords(SyntheticImages(seed: 3, side: 16), count: 12),
        transformer: DataTransformer(cropSize: 2, scale: 1 / 64), images: 2, isTraining: true,
        state: LoaderState(seed: 5))
      let solver = try Solver(
        SolverSpecification(baseLearningRate: 0.01, momentum: 0.9), network: network,
        backend: backend, blocks: 4, communicator: communicator, overlaps: overlaps)
      let run = TrainingRun(solver, loader: loader)
      for _ in 0..<2 { try run.step() }
      #expect(network.parameters[1][0] == network.parameters[3][0])
      return network.parameterDigest
    }
    let alone = try digest(on: SingleProcess(), overlaps: false)
    for overlaps in [false, true] {
      for result in ThreadCommunicator.run(3, { try digest(on: $0, overlaps: overlaps) }) {
        #expect(try result.get() == alone)
      }
    }
  }

  @Test("a run goes on with another number of ranks")
  func resuming() throws {
    let straight = try Outcome(blockRun(blocks: 6), steps: 7)
    var snapshot: Snapshot?
    for (size, steps) in [(2, 2), (3, 3), (1, 1), (5, 1)] {
      let bytes = ThreadCommunicator.run(size) { [snapshot] communicator in
        let start = try snapshot.map { try communicator.broadcast($0) }
        let run = try blockRun(blocks: 6, on: communicator, from: start)
        return try Outcome(run, steps: steps).snapshot
      }
      snapshot = try Snapshot(decoding: bytes[0].get())
    }
    #expect(try snapshot?.encoded() == straight.snapshot)
  }

  @Test("the loss of the next batch is that of all blocks")
  func nextLoss() throws {
    let alone = try blockRun(blocks: 4).lossOfNextBatch()
    let losses = ThreadCommunicator.run(3) { try blockRun(blocks: 4, on: $0).lossOfNextBatch() }
    for loss in losses { #expect(try loss.get() == alone) }
    #expect(try blockRun(blocks: 4).step() == alone)
  }

  @Test("an exchange can be timed, of more numbers than go at a time", arguments: [1, 3])
  func exchangeTime(size: Int) throws {
    for seconds in ThreadCommunicator.run(size, { try $0.exchangeSeconds(parameters: 5 << 20) }) {
      // It throws where the sum is wrong.
      #expect(try seconds.get() > 0)
    }
  }

  @Test("each rank reads the records of its own blocks only")
  func records() throws {
    let sources = try (0..<3).map { _ in try CountingRecords() }
    _ = ThreadCommunicator.run(3) { communicator in
      let run = try blockRun(blocks: 4, on: communicator, source: sources[communicator.rank])
      for _ in 0..<3 { try run.step() }
    }
    // 6 images a block, 24 a batch; blocks 0 | 1 | 2 and 3. Two batches are made ahead.
    for (source, blocks) in zip(sources, [[0], [1], [2, 3]]) {
      let own = source.indices.filter { $0 > 0 || blocks.contains(0) }
      #expect(own.allSatisfy { blocks.contains($0 % 24 / 6) })
      #expect(Set((0..<72).filter { blocks.contains($0 % 24 / 6) }).isSubset(of: own))
    }
  }

  @Test("an error on one rank ends all, with its message", arguments: [1, 2])
  func errors(culprit: Int) throws {
    let results = ThreadCommunicator.run(3) { communicator in
      let run = try blockRun(blocks: 3, on: communicator)
      for step in 0..<5 {
        if step == 2, communicator.rank == culprit { run.network.parameters[0][0][0] = .nan }
        try run.step()
      }
    }
    for (rank, result) in results.enumerated() {
      let error = try #require(throws: (any Error).self) { try result.get() }
      if rank == culprit {
        #expect((error as? Divergence)?.iteration == 2)
      } else {
        let message = (error as? Aborted)?.message ?? ""
        #expect(message.hasPrefix("rank \(culprit): iteration 2: the loss is NaN"))
      }
    }
  }

  @Test("all stop behind the same iteration when one is told to")
  func interruption() throws {
    let endings = ThreadCommunicator.run(3) { communicator in
      let run = try blockRun(blocks: 3, on: communicator)
      let loop = TrainingLoop(run, schedule: .init(iterations: 9))
      let steps = Mutex(0)
      let ending = try loop.run(
        test: {}, snapshot: { nil },
        isInterrupted: { communicator.rank == 1 && steps.withLock { $0 } == 4 },
        didStep: { _ in steps.withLock { $0 += 1 } })
      guard case .interrupted = ending else { return -1 }
      return run.solver.iteration
    }
    #expect(try endings.map { try $0.get() } == [4, 4, 4])
  }

  @Test("more ranks than blocks, no blocks, and state beside what is learned are refused")
  func refusals() throws {
    let error = #expect(throws: SolverError.self) { try BlockPlan(blocks: 2, ranks: 3) }
    #expect(error?.description.contains("3 ranks are more than the 2 blocks of a batch") == true)
    #expect(throws: SolverError.self) { try BlockPlan(blocks: 0) }
  }

  @Test("ranks that were started with something else are named")
  func differences() throws {
    let results = ThreadCommunicator.run(3) { communicator in
      try blockRun(blocks: 3, on: communicator).requireSameStart(
        program: "1", settings: "batch 24\nseed \(communicator.rank == 2 ? 8 : 7)")
    }
    for result in results {
      let error = try #require(throws: SharedError.self) { try result.get() }
      #expect(
        error.description == "rank 2: settings other than on rank 0 (seed 8 instead of seed 7). "
          + "Give all ranks the same options and files")
    }
    let data = ThreadCommunicator.run(2) { communicator in
      let source = try CachedRecords(
        SyntheticImages(seed: UInt64(communicator.rank), side: 24), count: 50)
      try blockRun(blocks: 2, on: communicator, source: source).requireSameStart(
        program: "1", settings: "")
    }
    for result in data {
      let error = try #require(throws: SharedError.self) { try result.get() }
      #expect(error.description.hasPrefix("rank 1: data other than on rank 0 (50 records, "))
    }
    let parameters = ThreadCommunicator.run(2) { communicator in
      let run = try blockRun(blocks: 2, on: communicator)
      run.network.parameters[0][0][0] += Float(communicator.rank)
      try run.requireSameStart(program: "1", settings: "")
    }
    #expect(parameters.allSatisfy { (try? $0.get()) == nil })
  }

  @Test("what fails on some ranks is said once, and fails on all")
  func together() throws {
    struct Trouble: Error, CustomStringConvertible { let description: String }
    let results = ThreadCommunicator.run(4) { communicator in
      try communicator.together {
        if communicator.rank % 2 == 1 { throw Trouble(description: "no such file") }
        return communicator.rank
      }
    }
    for result in results {
      let error = try #require(throws: SharedError.self) { try result.get() }
      #expect(error.description == "ranks 1, 3: no such file")
    }
  }

  @Test("the state of rank 0 goes to all")
  func state() throws {
    let digests = ThreadCommunicator.run(3) { communicator in
      let run = try blockRun(blocks: 3, on: communicator)
      if communicator.rank == 0 {
        run.network.parameters[0][0].fill(with: 0.5)
        try run.solver.resume(iteration: 7, states: run.solver.states)
      }
      try run.solver.broadcastState()
      return "\(run.solver.iteration) \(run.network.parameterDigest)"
    }
    #expect(Set(try digests.map { try $0.get() }).count == 1)
    #expect(try digests[2].get().hasPrefix("7 "))
  }
}

@Suite("The tree of blocks")
struct BlockTreeTests {
  /// The sum as text, with the brackets of its additions.
  private func text(blocks: Int, ranks: Int) throws -> String {
    let plan = try BlockPlan(blocks: blocks, ranks: ranks)
    let merge: (inout String, String) -> Void = { $0 = "(\($0)+\($1))" }
    var whole = TreeSum<String>()
    for rank in 0..<ranks {
      var own = TreeSum<String>()
      for block in plan.blocks(of: rank) { own.add("\(block)", index: block, merge: merge) }
      #expect(own.subtrees.map(\.index) == plan.subtrees(of: rank).map(\.index))
      for subtree in own.subtrees {
        whole.add(subtree.sum, level: subtree.level, index: subtree.index, merge: merge)
      }
    }
    return whole.finish(merge: merge) ?? ""
  }

  @Test("is what its documentation says")
  func shape() throws {
    #expect(try text(blocks: 8, ranks: 1) == "(((0+1)+(2+3))+((4+5)+(6+7)))")
    #expect(try text(blocks: 5, ranks: 1) == "(((0+1)+(2+3))+4)")
    #expect(try text(blocks: 7, ranks: 1) == "(((0+1)+(2+3))+((4+5)+6))")
    #expect(try text(blocks: 1, ranks: 1) == "0")
  }

  @Test("doesn't depend on the ranks, and each block has one", arguments: 1...33)
  func ranks(blocks: Int) throws {
    let alone = try text(blocks: blocks, ranks: 1)
    for ranks in 1...blocks {
      #expect(try text(blocks: blocks, ranks: ranks) == alone)
      let plan = try BlockPlan(blocks: blocks, ranks: ranks)
      #expect((0..<ranks).flatMap { Array(plan.blocks(of: $0)) } == Array(0..<blocks))
      #expect((0..<ranks).allSatisfy { !plan.blocks(of: $0).isEmpty })
    }
  }

  @Test("leaves one subtree on each rank where blocks and ranks are powers of two")
  func powersOfTwo() throws {
    let plan = try BlockPlan(blocks: 16, ranks: 4)
    #expect((0..<4).allSatisfy { plan.subtrees(of: $0).count == 1 })
  }
}

/// Synthetic pictures that remember which of them were asked for.
private final class CountingRecords: RecordSource {
  private let source: SyntheticImages
  private let asked = LockedState<Set<Int>>([])

  init() throws { source = try SyntheticImages(seed: 3, side: 24) }

  var indices: Set<Int> { asked.withLock { $0 } }

  func datum(_ index: Int) throws(DatasetError) -> Datum {
    asked.withLock { _ = $0.insert(index) }
    return source.datum(index)
  }

  var count: Int? { nil }
  var classNames: [String] { [] }
}
