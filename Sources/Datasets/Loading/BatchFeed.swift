import Dispatch
import Tensors

/// Batches in their order, made ahead on a thread of their own.
///
/// What comes out is what the loader makes, whether it runs ahead or not: it is asked for one batch
/// after another, and each batch says where the loader stood behind it. At most `depth` batches
/// wait; batches that are given back lend their memory to later ones.
public final class BatchFeed: Sendable {
  private let belt: Belt
  private let depth: Int

  /// A feed from where a loader stands.
  ///
  /// - Parameters:
  ///   - loader: what makes the batches.
  ///   - depth: the most batches that wait; 0 makes each when it is asked for, on that thread.
  /// - Complexity: O(depth); the batches are made meanwhile, on a thread of their own.
  public init(_ loader: BatchLoader, depth: Int = 2) {
    self.depth = max(depth, 0)
    belt = Belt(loader)
    guard self.depth > 0 else { return }
    for _ in 0..<self.depth { belt.room.signal() }
    let belt = belt
    DispatchQueue(label: "batches", qos: .userInitiated).async { belt.produce() }
  }

  deinit { belt.stop() }

  /// The next batch; waits for it if need be.
  ///
  /// - Throws: what the loader throws, also when asked again.
  /// - Complexity: O(1) where a batch waits; else that of `BatchLoader.fill`. At most depth + 2
  ///   batches have memory if each is given back.
  public func next() throws(DatasetError) -> Batch {
    if depth == 0 { return try belt.makeNext() }
    belt.filled.wait()
    switch belt.takeFirst() {
    case .success(let batch):
      belt.room.signal()
      return batch
    case .failure(let error):
      belt.filled.signal()
      throw error
    }
  }

  /// Gives back a batch that nobody looks at any longer.
  ///
  /// - Complexity: O(1).
  public func giveBack(_ batch: Batch) {
    belt.keep(batch)
  }
}

/// What the two threads of a feed share.
private final class Belt: Sendable {
  struct Content {
    var loader: BatchLoader
    var waiting: [Result<Batch, DatasetError>] = []
    var empty: [Batch] = []
    var isStopped = false
  }

  let content: LockedState<Content>
  /// Counts batches that wait, and room for more. Both start at 0: a semaphore may not be freed
  /// below its first value.
  let filled = DispatchSemaphore(value: 0)
  let room = DispatchSemaphore(value: 0)

  init(_ loader: BatchLoader) {
    content = LockedState(Content(loader: loader))
  }

  func produce() {
    while true {
      room.wait()
      guard !content.withLock({ $0.isStopped }) else { return }
      let result = Result { () throws(DatasetError) in try makeNext() }
      content.withLock { $0.waiting.append(result) }
      filled.signal()
      if case .failure = result { return }
    }
  }

  /// Only one thread makes batches, so the loader is free while it works outside of the lock.
  func makeNext() throws(DatasetError) -> Batch {
    var (loader, batch) = content.withLock { content in
      (content.loader, content.empty.popLast())
    }
    var made = batch.take() ?? loader.makeBatch()
    try loader.fill(&made)
    content.withLock { $0.loader = loader }
    return made
  }

  /// The batch that has waited longest; a failure stays.
  func takeFirst() -> Result<Batch, DatasetError> {
    content.withLock { content in
      if case .success = content.waiting[0] { return content.waiting.removeFirst() }
      return content.waiting[0]
    }
  }

  func keep(_ batch: Batch) {
    content.withLock { $0.empty.append(batch) }
  }

  func stop() {
    content.withLock { $0.isStopped = true }
    room.signal()
  }
}
