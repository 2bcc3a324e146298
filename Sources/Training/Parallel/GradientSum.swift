import Dispatch
import Networks
import Tensors

/// Runs blocks backwards and adds their gradients, those of all ranks, in the order of `BlockPlan`.
///
/// The network lends its arrays: the gradient of a block that isn't the last one is taken out as it is,
/// and the network gets other memory. Layers are added in groups, from the last layer to the first. A group
/// is exchanged as soon as the last block's backward pass has left it, on a thread of its own if
/// asked for, while the layers before it are computed.
final class GradientSum<Scalar: Tensors.Scalar> {
  private let plan: BlockPlan
  private let communicator: any Communicator
  private let network: Network<Scalar>
  private let groups: [Group<Scalar>]
  /// On which groups are exchanged; `nil` exchanges them in between.
  private let queue: DispatchQueue?
  /// What went wrong on it.
  private let failure = Failure()
  /// The time for which the computation waited.
  private(set) var waiting = Duration.zero

  init(
    _ plan: BlockPlan, network: Network<Scalar>, communicator: any Communicator, overlaps: Bool
  ) {
    self.plan = plan
    self.communicator = communicator
    self.network = network
    groups = Group.groups(of: network)
    queue =
      overlaps && communicator.size > 1
      ? DispatchQueue(label: "exchange", qos: .userInitiated) : nil
  }

  /// Runs the backward pass of a block.
  ///
  /// - Parameters:
  ///   - accumulating: whether the gradient is added to that of the block's pass before.
  ///   - isComplete: whether this is the block's last pass. With the last one of this rank's last
  ///     block the network has the sum over all blocks of all ranks, once `finish` has returned.
  func backward(_ block: Int, accumulating: Bool, isComplete: Bool) throws {
    let own = plan.blocks(of: communicator.rank)
    for group in groups where own.count > 1 { group.lendMemory(to: network, block: block) }
    guard isComplete, block == own.upperBound - 1 else {
      network.backward(accumulating: accumulating)
      for group in groups where own.count > 1 {
        group.take(block, from: network, isComplete: isComplete)
      }
      return
    }
    var next = 0
    for layer in network.definition.layers.indices.reversed() {
      network.backward(layer: layer, accumulating: accumulating)
      guard plan.blocks > 1, next < groups.count, groups[next].layers.lowerBound == layer else {
        continue
      }
      groups[next].take(block, from: network, isComplete: true)
      try exchange(groups[next])
      next += 1
    }
  }

  /// Waits until the network has the sum.
  func finish() throws {
    guard plan.blocks > 1 else { return }
    if let queue { measureWaiting { queue.sync {} } }
    if let error = failure.error.withLock({ $0 }) { throw error }
    for group in groups { group.giveSum(to: network) }
  }

  private func exchange(_ group: Group<Scalar>) throws {
    guard let queue else {
      try group.finish(plan, communicator) { self.waiting += $0 }
      return
    }
    // The group belongs to the queue until `finish` has waited for it.
    nonisolated(unsafe) let group = group
    queue.async { [failure, plan, communicator] in
      // Behind an error ranks don't wait for each other any longer.
      guard failure.error.withLock({ $0 == nil }) else { return }
      do { try group.finish(plan, communicator) { _ in } } catch {
        failure.error.withLock { $0 = error }
      }
    }
  }

  /// Adds the time of a call to `waiting`, if there is anybody to wait for.
  func measureWaiting<Value>(_ body: () throws -> Value) rethrows -> Value {
    guard plan.ranks > 1 else { return try body() }
    let start = ContinuousClock.now
    defer { waiting += start.duration(to: .now) }
    return try body()
  }
}

/// The first error on another thread.
private final class Failure: Sendable {
  let error = LockedState<(any Error)?>(nil)
}

/// Some layers one after the other, whose gradients are added and exchanged together.
private final class Group<Scalar: Tensors.Scalar> {
  /// A gradient: the tensors of all layers, in their order.
  typealias Gradient = [[Tensor<Scalar>]]

  let layers: Range<Int>
  private var tree = TreeSum<Gradient>()
  /// The gradients of blocks that have passes to come.
  private var unfinished: [Int: Gradient] = [:]
  /// Memory that isn't in use.
  private var spare: [Gradient] = []
  private var result: Gradient?
  private let shapes: [[Shape]]
  private let buffers = ExchangeBuffers<Scalar>()

  init(_ layers: Range<Int>, of network: Network<Scalar>) {
    self.layers = layers
    shapes = network.parameters[layers].map { $0.map(\.shape) }
  }

  /// The layers from the last to the first, so that a group ends with the layer that makes it this large.
  ///
  /// CaffeNet's groups are fc8, fc7, fc6, and the five convolutions; a small network has one. A layer that
  /// shares a parameter is in the group of its owner, which takes its gradient over.
  static func groups(of network: Network<Scalar>) -> [Group] {
    var groups: [Group] = []
    var (end, count, firstOwner) = (network.parameters.count, 0, network.parameters.count)
    for layer in network.parameters.indices.reversed() {
      count += network.parameters[layer].reduce(0) { $0 + $1.count }
      for owner in network.plan.layers[layer].owners {
        firstOwner = min(firstOwner, owner?.layer ?? layer)
      }
      guard count >= 1 << 20 && layer <= firstOwner || layer == 0 else { continue }
      groups.append(Group(layer..<end, of: network))
      (end, count) = (layer, 0)
    }
    return groups
  }

  /// Gives the network what it has added up for a block, or memory for a new one.
  func lendMemory(to network: Network<Scalar>, block: Int) {
    if let gradient = unfinished.removeValue(forKey: block) {
      network.parameterGradients.replaceSubrange(layers, with: gradient)
    } else if network.parameterGradients[layers].allSatisfy(\.isEmpty) {
      network.parameterGradients.replaceSubrange(
        layers, with: spare.popLast() ?? shapes.map { $0.map { Tensor($0) } })
    }
  }

  /// Takes a block's gradient out of the network.
  func take(_ block: Int, from network: Network<Scalar>, isComplete: Bool) {
    let gradient = Array(network.parameterGradients[layers])
    for layer in layers { network.parameterGradients[layer] = [] }
    if isComplete {
      tree.add(gradient, index: block, merge: merge)
    } else {
      unfinished[block] = gradient
    }
  }

  func giveSum(to network: Network<Scalar>) {
    guard let sum = result.take() else { return }
    network.parameterGradients.replaceSubrange(layers, with: sum)
  }

  /// Completes the sum with what the other ranks have, in `result`.
  ///
  /// - Parameter waited: told how long the exchange took.
  func finish(
    _ plan: BlockPlan, _ communicator: any Communicator, waited: (Duration) -> Void
  ) throws {
    guard communicator.size > 1 else {
      result = tree.finish(merge: merge)
      return
    }
    let start = ContinuousClock.now
    var own = tree.removeAll().map(\.sum)
    let count = shapes.joined().reduce(0) { $0 + $1.count }
    for piece in ExchangeBuffers<Scalar>.pieces(of: count) {
      try buffers.sum(piece, of: &own, plan, communicator)
    }
    result = own.removeFirst()
    spare += own
    waited(start.duration(to: .now))
  }

  private func merge(_ sum: inout Gradient, _ other: consuming Gradient) {
    for layer in sum.indices {
      for index in sum[layer].indices { sum[layer][index].add(other[layer][index]) }
    }
    spare.append(other)
  }
}

/// The memory through which gradients go to other ranks, and come back added.
///
/// Rank q adds the q-th slice of all subtrees of all ranks, in the order of the tree, and gives the sum to
/// all ranks. That is as many bytes as in the best algorithms of MPI_Allreduce, 2·(R − 1)/R times those of
/// the gradient, but for ranks that are left with several subtrees.
private struct ExchangeBuffers<Scalar: Tensors.Scalar> {
  /// What is exchanged at a time. It bounds the memory, and no result depends on it.
  static func pieces(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: 1 << 22).map { $0..<min($0 + 1 << 22, count) }
  }

  private let outgoing = Staging<Scalar>()
  private let incoming = Staging<Scalar>()

  /// Leaves the sum over all ranks of a piece in the first of this rank's subtrees.
  func sum(
    _ piece: Range<Int>, of own: inout [[[Tensor<Scalar>]]], _ plan: BlockPlan,
    _ communicator: any Communicator
  ) throws {
    let (ranks, size) = (communicator.size, MemoryLayout<Scalar>.stride)
    // The slice of each rank, and the subtrees of which it will receive one.
    let slices = (0..<ranks).map {
      piece.lowerBound + piece.count * $0 / ranks..<piece.lowerBound + piece.count * ($0 + 1)
        / ranks
    }
    let mine = slices[communicator.rank].count
    let subtrees = (0..<ranks).map { plan.subtrees(of: $0) }

    outgoing.reserve(own.count * piece.count)
    incoming.reserve(subtrees.joined().count * mine)
    var end = 0
    for slice in slices {
      for gradient in own {
        outgoing.copy(slice, of: gradient, to: end)
        end += slice.count
      }
    }
    try communicator.exchange(
      UnsafeRawBufferPointer(outgoing.bytes(0..<end)),
      sent: slices.map { own.count * $0.count * size },
      into: incoming.bytes(0..<subtrees.joined().count * mine),
      received: subtrees.map { $0.count * mine * size })

    // A term of the tree is the place where its slice begins.
    var tree = TreeSum<Int>()
    func add(_ sum: inout Int, _ other: Int) {
      incoming.add(at: other, to: sum, count: mine)
    }
    for (number, subtree) in subtrees.joined().enumerated() {
      tree.add(number * mine, level: subtree.level, index: subtree.index, merge: add)
    }
    guard let sum = tree.finish(merge: add) else { return }
    try communicator.gather(
      UnsafeRawBufferPointer(incoming.bytes(sum..<sum + mine)),
      into: outgoing.bytes(0..<piece.count), counts: slices.map { $0.count * size })
    outgoing.copy(to: piece, of: &own[0])
  }
}

extension Communicator {
  /// How long the ranks take to add a gradient of each, as training does it: the fastest of some times, each
  /// that of the slowest rank.
  ///
  /// - Parameters:
  ///   - parameters: the numbers of a gradient.
  ///   - repetitions: how often, behind one time that isn't counted.
  /// - Returns: seconds.
  /// - Throws: when a rank can't be reached, or has another sum.
  /// - Complexity: O(parameters) in time and, for the gradient and the buffers, memory.
  public func exchangeSeconds(parameters: Int, repetitions: Int = 3) throws -> Double {
    let plan = try BlockPlan(blocks: size, ranks: size)
    let buffers = ExchangeBuffers<Float>()
    return try fastest(of: repetitions) {
      var own = [[[Tensor<Float>(Shape(parameters), repeating: 1)]]]
      let start = ContinuousClock.now
      for piece in ExchangeBuffers<Float>.pieces(of: parameters) {
        try buffers.sum(piece, of: &own, plan, self)
      }
      let seconds = start.duration(to: .now) / .seconds(1)
      guard own[0][0][0].elements.allSatisfy({ $0 == Float(size) }) else {
        throw SharedError(description: "the sum of \(size) ones isn't \(size)")
      }
      return seconds
    }
  }

  /// The fastest of some times, each that of the slowest rank.
  ///
  /// - Parameters:
  ///   - repetitions: how often, behind one time that isn't counted.
  ///   - seconds: what is timed, and how long it took on this rank.
  /// - Throws: what `seconds` throws, and when a rank can't be reached.
  /// - Complexity: `repetitions` + 1 times that of `seconds`.
  public func fastest(of repetitions: Int, seconds: () throws -> Double) throws -> Double {
    var best = Double.infinity
    for repetition in 0...repetitions {
      // All begin together.
      _ = try any(false)
      let ones = [Int](repeating: 1, count: size)
      let slowest = try gather([seconds()], counts: ones, zero: 0).max() ?? 0
      if repetition > 0 { best = min(best, slowest) }
    }
    return best
  }
}

/// Memory for numbers that go to other processes.
private final class Staging<Scalar: Tensors.Scalar> {
  private var memory = UnsafeMutableBufferPointer<Scalar>.allocate(capacity: 0)

  deinit { memory.deallocate() }

  /// Makes room for so many numbers, whose values are undefined.
  func reserve(_ count: Int) {
    guard count > memory.count else { return }
    memory.deallocate()
    memory = .allocate(capacity: count)
    memory.initialize(repeating: 0)
  }

  func bytes(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: memory[range]))
  }

  /// Copies a range of a gradient, all of whose numbers are counted one after the other.
  func copy(_ range: Range<Int>, of gradient: [[Tensor<Scalar>]], to place: Int) {
    Self.forEachPart(range, of: gradient) { layer, index, part, offset in
      gradient[layer][index].elements.withUnsafeBufferPointer {
        bytes(place + offset..<place + offset + part.count)
          .copyMemory(from: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: $0[part])))
      }
    }
  }

  /// Copies the first numbers into a range of a gradient.
  func copy(to range: Range<Int>, of gradient: inout [[Tensor<Scalar>]]) {
    Self.forEachPart(range, of: gradient) { layer, index, part, offset in
      gradient[layer][index].elements.withUnsafeMutableBufferPointer {
        UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: $0[part]))
          .copyMemory(from: UnsafeRawBufferPointer(bytes(offset..<offset + part.count)))
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func add(at other: Int, to sum: Int, count: Int) {
    precondition(max(sum, other) + count <= memory.count)
    guard let memory = memory.baseAddress else { return }
    for i in 0..<count { memory[sum + i] += memory[other + i] }
  }

  /// The parts of tensors that a range of all numbers consists of, each with its offset in the range.
  private static func forEachPart(
    _ range: Range<Int>, of gradient: [[Tensor<Scalar>]],
    _ body: (_ layer: Int, _ index: Int, _ part: Range<Int>, _ offset: Int) -> Void
  ) {
    var start = 0
    for (layer, tensors) in gradient.enumerated() {
      for (index, tensor) in tensors.enumerated() {
        let part = range.clamped(to: start..<start + tensor.count)
        if !part.isEmpty {
          body(
            layer, index, part.lowerBound - start..<part.upperBound - start,
            part.lowerBound - range.lowerBound)
        }
        start += tensor.count
      }
    }
  }
}
