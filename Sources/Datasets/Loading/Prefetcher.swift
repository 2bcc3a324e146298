import Dispatch
import Tensors

/// Batches in their order, made ahead on a thread of their own.
///
/// What comes out is what the loader makes, whether it runs ahead or not: it is asked for one batch
/// after another, and each batch says where the loader stood after it. At most `depth` batches wait.
/// The memory of a batch that has been recycled is used for a later one.
public final class Prefetcher: Sendable {
  private let queue: BatchQueue
  private let depth: Int

  /// Batches from where a loader stands.
  ///
  /// - Parameters:
  ///   - loader: what makes the batches.
  ///   - depth: the most batches that wait; 0 makes each when it is asked for, on that thread.
  /// - Complexity: O(depth); the batches are made meanwhile, on a thread of their own.
  public init(_ loader: BatchLoader, depth: Int = 2) {
    self.depth = max(depth, 0)
    queue = BatchQueue(loader)
    guard self.depth > 0 else { return }
    for _ in 0..<self.depth { queue.room.signal() }
    let queue = queue
    DispatchQueue(label: "batches", qos: .userInitiated).async { queue.produce() }
  }

  deinit { queue.stop() }

  /// The next batch; waits for it if need be.
  ///
  /// - Throws: what the loader throws, also when asked again.
  /// - Complexity: O(1) where a batch waits; else that of `BatchLoader.fill`. At most depth + 2
  ///   batches have memory if each is recycled.
  public func next() throws(DatasetError) -> Batch {
    if depth == 0 { return try queue.makeNext() }
    queue.filled.wait()
    switch queue.takeFirst() {
    case .success(let batch):
      queue.room.signal()
      return batch
    case .failure(let error):
      queue.filled.signal()
      throw error
    }
  }

  /// Takes back the memory of a batch that is not read any longer.
  ///
  /// - Complexity: O(1).
  public func recycle(_ batch: Batch) {
    queue.content.withLock { $0.empty.append(batch) }
  }

  /// Hands the next batch to `load`, and recycles the batch that the last call handed out: what
  /// `load` fills must hold the new batch instead when it returns.
  ///
  /// - Returns: the batch.
  /// - Throws: what the loader or `load` throws.
  /// - Complexity: That of `next` and `load`.
  @discardableResult
  public func loadNext(_ load: (Batch) throws -> Void) throws -> Batch {
    let batch = try next()
    try load(batch)
    let last = queue.content.withLock { content in
      defer { content.inUse = batch }
      return content.inUse
    }
    if let last { recycle(last) }
    return batch
  }
}

/// What the two threads share: the loader, and the batches that wait.
private final class BatchQueue: Sendable {
  struct Content {
    var loader: BatchLoader
    var waiting: [Result<Batch, DatasetError>] = []
    var empty: [Batch] = []
    /// The batch that `loadNext` has handed out last.
    var inUse: Batch?
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

  func stop() {
    content.withLock { $0.isStopped = true }
    room.signal()
  }
}
