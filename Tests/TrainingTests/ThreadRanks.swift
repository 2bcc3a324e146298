import Foundation
import Synchronization
import Tensors
import Training

/// Ranks that are threads of one process: what a test shows with them holds without any MPI.
final class ThreadCommunicator: Communicator {
  let rank: Int
  var size: Int { meeting.size }
  private let meeting: Meeting

  private init(rank: Int, meeting: Meeting) {
    self.rank = rank
    self.meeting = meeting
  }

  /// Runs `body` on a thread for each rank; what each returned, in the order of the ranks.
  ///
  /// A rank that throws aborts, as a program does.
  static func run<Value: Sendable>(
    _ size: Int, _ body: @escaping @Sendable (ThreadCommunicator) throws -> Value
  ) -> [Result<Value, any Error>] {
    let meeting = Meeting(size: size)
    let results = Results<Value>(count: size)
    let threads = (0..<size).map { rank in
      Thread {
        let communicator = ThreadCommunicator(rank: rank, meeting: meeting)
        let result = Result { try body(communicator) }
        if case .failure(let error) = result, !(error is SharedError) {
          communicator.abort(because: "rank \(rank): \(error)")
        }
        results.set(result, of: rank)
      }
    }
    for thread in threads { thread.start() }
    return results.wait()
  }

  func exchange(
    _ outgoing: UnsafeRawBufferPointer, sent: [Int],
    into incoming: UnsafeMutableRawBufferPointer, received: [Int]
  ) throws {
    var offset = 0
    try meeting.meet(rank, Deposit(bytes: outgoing, counts: sent)) { deposits in
      for (sender, deposit) in deposits.enumerated() {
        let start = deposit.counts[..<rank].reduce(0, +)
        precondition(deposit.counts[rank] == received[sender], "a part of another length")
        copy(deposit.bytes, start..<start + deposit.counts[rank], into: incoming, at: offset)
        offset += received[sender]
      }
    }
  }

  func gather(
    _ part: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, counts: [Int]
  ) throws {
    var offset = 0
    try meeting.meet(rank, Deposit(bytes: part, counts: counts)) { deposits in
      for (sender, deposit) in deposits.enumerated() {
        precondition(deposit.counts == counts && deposit.bytes.count == counts[sender])
        copy(deposit.bytes, 0..<counts[sender], into: all, at: offset)
        offset += counts[sender]
      }
    }
  }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer) throws {
    try meeting.meet(rank, Deposit(bytes: UnsafeRawBufferPointer(bytes), counts: [])) { deposits in
      precondition(deposits[0].bytes.count == bytes.count)
      if rank > 0 { copy(deposits[0].bytes, 0..<bytes.count, into: bytes, at: 0) }
    }
  }

  func abort(because message: String) { meeting.abort(message) }

  private func copy(
    _ source: UnsafeRawBufferPointer, _ range: Range<Int>,
    into target: UnsafeMutableRawBufferPointer, at offset: Int
  ) {
    UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + range.count])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
  }
}

/// That another rank has aborted.
struct Aborted: Error {
  let message: String
}

/// What a rank lays open to the others in a collective.
private struct Deposit: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  let counts: [Int]
}

/// Where threads wait for one another.
private final class Meeting: @unchecked Sendable {
  let size: Int
  private let condition = NSCondition()
  private var deposits: [Int: Deposit] = [:]
  private var arrived = 0
  private var round = 0
  private var abortion: String?

  init(size: Int) { self.size = size }

  /// Hands all deposits to `read` once all are there; returns once all have read.
  func meet(_ rank: Int, _ deposit: Deposit, read: ([Deposit]) -> Void) throws {
    condition.withLock { deposits[rank] = deposit }
    try arrive()
    read(condition.withLock { (0..<size).compactMap { deposits[$0] } })
    try arrive()
  }

  func abort(_ message: String) {
    condition.withLock {
      abortion = abortion ?? message
      condition.broadcast()
    }
  }

  private func arrive() throws {
    condition.lock()
    defer { condition.unlock() }
    let mine = round
    arrived += 1
    if arrived == size {
      (arrived, round) = (0, round + 1)
      condition.broadcast()
    }
    while round == mine, abortion == nil { condition.wait() }
    if round == mine, let abortion { throw Aborted(message: abortion) }
  }
}

/// What the ranks returned.
private final class Results<Value: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var results: [Int: Result<Value, any Error>] = [:]
  private let count: Int

  init(count: Int) { self.count = count }

  func set(_ result: Result<Value, any Error>, of rank: Int) {
    condition.withLock {
      results[rank] = result
      condition.broadcast()
    }
  }

  func wait() -> [Result<Value, any Error>] {
    condition.lock()
    defer { condition.unlock() }
    while results.count < count { condition.wait() }
    return (0..<count).compactMap { results[$0] }
  }
}
