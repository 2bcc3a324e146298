/// The processes that train one network together, and what they tell each other.
///
/// The words are MPI's: a process is a *rank*, numbered from 0. What all of them call is a *collective*:
/// each rank calls the same ones in the same order, and waits in it for the others. One thread at a time
/// may be in a collective.
///
/// Only bytes are moved here. Nothing is added, so no implementation decides in which order numbers are
/// added.
public protocol Communicator: Sendable {
  /// The number of this process, from 0.
  var rank: Int { get }
  /// How many processes there are.
  var size: Int { get }

  /// Sends a part of `outgoing` to each rank, and receives one from each (MPI_Alltoallv).
  ///
  /// - Parameters:
  ///   - outgoing: the parts, one after the other, in the order of the ranks that they are for.
  ///   - sent: the bytes of each.
  ///   - incoming: takes the parts in the order of the ranks that they are from.
  ///   - received: the bytes of each, which the senders say too.
  /// - Throws: when a rank can't be reached.
  /// - Complexity: O(bytes), behind the slowest rank.
  func exchange(
    _ outgoing: UnsafeRawBufferPointer, sent: [Int],
    into incoming: UnsafeMutableRawBufferPointer, received: [Int]) throws

  /// Gives every rank the parts of all ranks, in their order (MPI_Allgatherv).
  ///
  /// - Parameters:
  ///   - part: that of this rank, outside of `all`.
  ///   - all: takes all parts.
  ///   - counts: the bytes of each rank's part.
  /// - Throws: when a rank can't be reached.
  /// - Complexity: O(bytes), behind the slowest rank.
  func gather(
    _ part: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, counts: [Int]) throws

  /// Overwrites the bytes of every rank with those of rank 0 (MPI_Bcast).
  ///
  /// - Throws: when a rank can't be reached.
  /// - Complexity: O(bytes), behind the slowest rank.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer) throws

  /// Ends all ranks, those that wait in a collective too (MPI_Abort).
  func abort(because message: String)
}

/// A process of its own, which has nobody to talk to.
public struct SingleProcess: Communicator {
  /// 0.
  public var rank: Int { 0 }
  /// 1.
  public var size: Int { 1 }

  /// The process alone.
  public init() {}

  /// Copies what it sends to itself.
  ///
  /// - Complexity: O(bytes).
  public func exchange(
    _ outgoing: UnsafeRawBufferPointer, sent: [Int],
    into incoming: UnsafeMutableRawBufferPointer, received: [Int]
  ) {
    incoming.copyMemory(from: outgoing)
  }

  /// Copies its own part.
  ///
  /// - Complexity: O(bytes).
  public func gather(
    _ part: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, counts: [Int]
  ) {
    all.copyMemory(from: part)
  }

  /// Does nothing: the bytes are those of rank 0.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer) {}

  /// Does nothing: whoever has an error throws it.
  public func abort(because message: String) {}
}

extension Communicator {
  /// The values of all ranks, in the order of the ranks.
  ///
  /// - Parameters:
  ///   - values: those of this rank.
  ///   - counts: how many each rank has.
  ///   - zero: any value, which the memory is filled with first.
  /// - Throws: when a rank can't be reached.
  /// - Complexity: O(values), allocating the result.
  func gather<Value: BitwiseCopyable>(
    _ values: [Value], counts: [Int], zero: Value
  ) throws -> [Value] {
    var all = [Value](repeating: zero, count: counts.reduce(0, +))
    let size = MemoryLayout<Value>.stride
    try values.withUnsafeBytes { part in
      try all.withUnsafeMutableBytes {
        try gather(part, into: $0, counts: counts.map { $0 * size })
      }
    }
    return all
  }

  /// The texts of all ranks, in the order of the ranks.
  ///
  /// - Throws: when a rank can't be reached.
  /// - Complexity: O(length) of all texts.
  public func gather(_ text: String) throws -> [String] {
    let bytes = Array(text.utf8)
    let ones = [Int](repeating: 1, count: size)
    let counts = try gather([bytes.count], counts: ones, zero: 0)
    var rest = try gather(bytes, counts: counts, zero: 0)[...]
    return counts.map { count in
      defer { rest = rest.dropFirst(count) }
      return String(decoding: rest.prefix(count), as: UTF8.self)
    }
  }

  /// Whether any rank says so.
  ///
  /// - Throws: when a rank can't be reached.
  /// - Complexity: O(size), behind the slowest rank.
  public func any(_ flag: Bool) throws -> Bool {
    guard size > 1 else { return flag }
    return try gather([flag], counts: [Int](repeating: 1, count: size), zero: false).contains(true)
  }

  /// The number of rank 0.
  func broadcast(_ number: Int) throws -> Int {
    var number = number
    try withUnsafeMutableBytes(of: &number) { try broadcast($0) }
    return number
  }

  /// The bytes of rank 0; what other ranks hand in doesn't count.
  ///
  /// - Throws: when a rank can't be reached.
  /// - Complexity: O(bytes), allocating them.
  public func broadcast(_ bytes: [UInt8]) throws -> [UInt8] {
    guard size > 1 else { return bytes }
    let count = try broadcast(bytes.count)
    var all = rank == 0 ? bytes : [UInt8](repeating: 0, count: count)
    try all.withUnsafeMutableBytes { try broadcast($0) }
    return all
  }
}

/// An error that every rank knows of, so that all of them end by themselves, and one of them says why.
public struct SharedError: Error, CustomStringConvertible {
  /// What is wrong, and on which ranks.
  public let description: String
}

extension Communicator {
  /// Calls `body` on every rank, and fails on all of them where it fails on one.
  ///
  /// - Parameter body: takes part in no collective.
  /// - Throws: `SharedError` with the messages of all ranks, each once; on a single process what
  ///   `body` throws.
  /// - Complexity: That of the slowest `body`.
  public func together<Value>(_ body: () throws -> Value) throws -> Value {
    guard size > 1 else { return try body() }
    let result = Result { try body() }
    var message = ""
    if case .failure(let error) = result { message = "\(error)" }
    let messages = try gather(message)
    guard messages.contains(where: { !$0.isEmpty }) else { return try result.get() }
    throw SharedError(
      description: Self.grouped(messages).map { text, ranks in
        ranks.count == size ? text : "\(Self.names(ranks)): \(text)"
      }.joined(separator: "\n"))
  }

  /// Fails on all ranks unless they have the same values as rank 0.
  ///
  /// - Parameters:
  ///   - values: a text for each subject, in lines, the same subjects in the same order on every rank.
  ///   - remedies: what to do where a subject differs.
  /// - Throws: `SharedError` that names the first subject that differs, the ranks, and the lines that differ.
  /// - Complexity: O(length) of all texts.
  public func requireSame(
    _ values: KeyValuePairs<String, String>, remedies: [String: String] = [:]
  ) throws {
    guard size > 1 else { return }
    for (subject, value) in values {
      let all = try gather(value)
      guard let other = all.first(where: { $0 != all[0] }) else { continue }
      let ranks = all.indices.filter { all[$0] != all[0] }
      throw SharedError(
        description: "\(Self.names(ranks)): \(subject) other than on rank 0 ("
          + "\(Self.lines(of: other, notIn: all[0])) instead of \(Self.lines(of: all[0], notIn: other)))"
          + (remedies[subject].map { ". \($0)" } ?? ""))
    }
  }

  private static func grouped(_ messages: [String]) -> [(text: String, ranks: [Int])] {
    var groups: [(text: String, ranks: [Int])] = []
    for (rank, text) in messages.enumerated() where !text.isEmpty {
      if let index = groups.firstIndex(where: { $0.text == text }) {
        groups[index].ranks.append(rank)
      } else {
        groups.append((text, [rank]))
      }
    }
    return groups
  }

  private static func lines(of text: String, notIn other: String) -> String {
    let known = Set(other.split(separator: "\n"))
    let lines = text.split(separator: "\n").filter { !known.contains($0) }
    return lines.isEmpty ? "nothing" : lines.joined(separator: ", ")
  }

  private static func names(_ ranks: [Int]) -> String {
    (ranks.count == 1 ? "rank " : "ranks ") + ranks.map(String.init).joined(separator: ", ")
  }
}
