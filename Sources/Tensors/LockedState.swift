import Synchronization

/// A value that one thread at a time may read and change.
///
/// A `Mutex` whose lock the thread sanitizer sees change hands. Of `Mutex` itself it sees only what is
/// compiled into the caller: the atomic operations that take a free lock and give it back. A thread
/// that has to wait gets the lock inside of Swift's library, which the sanitizer doesn't watch, and all
/// that it does under the lock would be reported as a race. So the holder of the lock leaves a word to
/// the next one, in an order that the sanitizer does see. It costs a load and a store, which beside
/// taking a lock is nothing.
package struct LockedState<Value: ~Copyable>: ~Copyable, Sendable {
  private let mutex: Mutex<Value>
  /// Always the same: it is the order of its stores and loads that matters.
  private let handover = Atomic(false)

  package init(_ value: consuming sending Value) {
    mutex = Mutex(value)
  }

  /// Calls `body` with the value, while no other thread has it.
  ///
  /// - Complexity: That of `body`, behind those of the threads that came first.
  package borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    try mutex.withLock { value throws(Failure) in
      _ = handover.load(ordering: .acquiring)
      defer { handover.store(false, ordering: .releasing) }
      return try body(&value)
    }
  }
}
