import Dispatch
import LayerCases
import Layers
import Networks
import Synchronization
import Tensors
import Testing

@testable import Fast

@Suite("The engine")
struct EngineTests {
  @Test("Every piece runs once", arguments: [1, 2, 3, 7], [0, 1, 2, 100])
  func pieces(threads: Int, pieces: Int) {
    let counts = LockedState([Int](repeating: 0, count: pieces))
    Engine(threads: threads).run(pieces) { piece in
      counts.withLock { $0[piece] += 1 }
    }
    #expect(counts.withLock { $0 } == [Int](repeating: 1, count: pieces))
  }

  /// Without the order that a lock gives them, increments of several threads get lost.
  @Test("A locked state is one thread's at a time, also behind an error")
  func lockedState() {
    struct Odd: Error {}
    let state = LockedState(0)
    let refused = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<1000 {
        do throws(Odd) {
          try state.withLock { count throws(Odd) in
            count += 1
            if count % 2 == 1 { throw Odd() }
          }
        } catch {
          refused.wrappingAdd(1, ordering: .relaxed)
        }
      }
    }
    #expect(state.withLock { $0 } == 8000)
    #expect(refused.load(ordering: .relaxed) == 4000)
  }

  @Test("There is always a thread")
  func threads() {
    #expect(Engine(threads: 0).threads == 1)
    #expect(Engine().threads >= 1)
  }

  @Test("A partition has every element once", arguments: [0, 1, 7, 64, 1000], [1, 3, 8, 100])
  func partitions(count: Int, parts: Int) {
    for partition in [Partition(count, parts: parts), Partition(count, partsOfAtMost: parts)] {
      let ranges = (0..<partition.parts).map { partition[$0] }
      #expect(ranges.flatMap { Array($0) } == Array(0..<count))
      #expect(ranges.map(\.count).max() == partition.largest)
    }
    #expect(Partition(count, partsOfAtMost: parts).largest <= parts)
  }

  @Test("Once a layer has run, it allocates no more working memory")
  func steadyState() throws {
    // One thread: on several, how many blocks are out at a time is a matter of chance.
    let engine = Engine(threads: 1)
    let layer = Convolution<Float>(.init(outputChannels: 8, kernel: 3, pad: 1), engine: engine)
    let other = InnerProduct<Float>(.init(outputs: 8), engine: engine)
    let data = try LayerData<Float>(layer.specification, Shape(9, 4, 13, 13))
    let otherData = try LayerData<Float>(other.specification, Shape(9, 4))
    func pass() throws {
      _ = try run(layer, on: data)
      _ = try run(other, on: otherData)
    }
    try pass()
    let (allocations, bytes) = (engine.workspaceAllocations, engine.workspaceBytes)
    #expect(allocations > 0)
    for _ in 0..<3 { try pass() }
    #expect(engine.workspaceAllocations == allocations)
    #expect(engine.workspaceBytes == bytes)
  }

  @Test("Once a network has run, it allocates no more working memory")
  func steadyStateOfANetwork() throws {
    let engine = Engine(threads: 1)
    let network = try Network(mini(), backend: FastBackend<Float>(engine: engine), batch: 3)
    try network.load(images: Tensor(network.input.shape, repeating: 1), labels: [1, 2, 3])
    func pass() throws {
      try network.forward()
      network.backward()
    }
    try pass()
    let allocations = engine.workspaceAllocations
    #expect(allocations > 0)
    for _ in 0..<3 { try pass() }
    #expect(engine.workspaceAllocations == allocations)
  }

  @Test("Networks on several threads may share an engine")
  func shared() throws {
    let engine = Engine(threads: 2)
    let layer = Convolution<Float>(.init(outputChannels: 8, kernel: 3, pad: 1), engine: engine)
    let data = try LayerData<Float>(layer.specification, Shape(9, 4, 13, 13))
    let expected = try run(layer, on: data)
    let agreeing = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      if (try? run(layer, on: data)) == expected {
        agreeing.wrappingAdd(1, ordering: .relaxed)
      }
    }
    #expect(agreeing.load(ordering: .relaxed) == 8)
  }
}
