import CMPI
import Foundation
import Training

/// The processes that `mpirun` started, over Open MPI or MPICH.
///
/// Three collectives move bytes: MPI_Alltoallv, MPI_Allgatherv and MPI_Bcast. Gradients are never added by
/// MPI_Allreduce: the order of its additions depends on the algorithm that it chooses and on the number of
/// ranks, and with it the bits of the sum.
///
/// Of one process there may be one communicator. An error of MPI itself ends all processes: that is what
/// MPI does unless told otherwise.
public final class MPICommunicator: Communicator {
  /// The number of this process, from 0.
  public let rank: Int
  /// How many processes there are.
  public let size: Int
  /// How many of them run on this machine.
  public let localSize: Int

  /// Joins the processes that `mpirun` started; alone, if it was none.
  ///
  /// - Throws: `MPIError` when the program was started by the `mpirun` of another MPI, or when this MPI
  ///   can't be called from several threads.
  public init() throws(MPIError) {
    var provided: Int32 = 0
    try check(MPI_Init_thread(nil, nil, Int32(MPI_THREAD_SERIALIZED), &provided), "MPI_Init_thread")
    let (world, number) = (mpiWorld(), Self.number)
    rank = try number("MPI_Comm_rank") { MPI_Comm_rank(world, $0) }
    size = try number("MPI_Comm_size") { MPI_Comm_size(world, $0) }
    var machine = world
    try check(
      MPI_Comm_split_type(world, Int32(MPI_COMM_TYPE_SHARED), 0, mpiNoInfo(), &machine),
      "MPI_Comm_split_type")
    localSize = try number("MPI_Comm_size") { MPI_Comm_size(machine, $0) }
    try check(MPI_Comm_free(&machine), "MPI_Comm_free")
    guard provided >= Int32(MPI_THREAD_SERIALIZED) else {
      throw MPIError(description: "this MPI can't be called from several threads, one at a time")
    }
    if let expected = Self.launchedProcesses, expected != size {
      throw MPIError(
        description:
          "mpirun started \(expected) processes, but the MPI of this program sees \(size): "
          + "it was built for another MPI than that mpirun belongs to. Build it for that one "
          + "(ALEXNET_MPI), or start it with the mpirun of its own: \(Self.library)")
    }
  }

  /// How many processes the `mpirun` that started this one says that it has started; `nil` where
  /// none did.
  public static var launchedProcesses: Int? {
    let environment = ProcessInfo.processInfo.environment
    return ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].compactMap { environment[$0].flatMap { Int($0) } }
      .first
  }

  /// The MPI that this program was built for, for example `Open MPI v4.1.4`.
  public static var library: String {
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING))
    var length: Int32 = 0
    MPI_Get_library_version(&text, &length)
    let whole = String(
      decoding: text.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    return String(whole.prefix { $0 != "," && $0 != "\n" })
  }

  /// Leaves the others, behind the last collective. Waits for them.
  public func finalize() { MPI_Finalize() }

  private static func number(
    _ call: String, _ body: (UnsafeMutablePointer<Int32>) -> Int32
  ) throws(MPIError) -> Int {
    var number: Int32 = 0
    try check(body(&number), call)
    return Int(number)
  }

  /// MPI_Alltoallv.
  ///
  /// - Throws: `MPIError` with what MPI says of it.
  /// - Complexity: O(bytes), behind the slowest rank.
  public func exchange(
    _ outgoing: UnsafeRawBufferPointer, sent: [Int],
    into incoming: UnsafeMutableRawBufferPointer, received: [Int]
  ) throws {
    try check(
      MPI_Alltoallv(
        outgoing.baseAddress, sent.map(Int32.init), offsets(sent), mpiByte(),
        incoming.baseAddress, received.map(Int32.init), offsets(received), mpiByte(), mpiWorld()),
      "MPI_Alltoallv")
  }

  /// MPI_Allgatherv.
  ///
  /// - Throws: `MPIError` with what MPI says of it.
  /// - Complexity: O(bytes), behind the slowest rank.
  public func gather(
    _ part: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, counts: [Int]
  ) throws {
    try check(
      MPI_Allgatherv(
        part.baseAddress, Int32(part.count), mpiByte(), all.baseAddress, counts.map(Int32.init),
        offsets(counts), mpiByte(), mpiWorld()), "MPI_Allgatherv")
  }

  /// MPI_Bcast from rank 0.
  ///
  /// - Throws: `MPIError` with what MPI says of it.
  /// - Complexity: O(bytes), behind the slowest rank.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer) throws {
    // MPI counts in 32 bits.
    for start in stride(from: 0, to: bytes.count, by: 1 << 30) {
      try check(
        MPI_Bcast(
          bytes.baseAddress.map { $0 + start }, Int32(min(bytes.count - start, 1 << 30)),
          mpiByte(), 0, mpiWorld()), "MPI_Bcast")
    }
  }

  /// How long MPI_Allreduce takes to add as many floats of each rank, to compare with
  /// `exchangeSeconds(parameters:)`: the fastest of three times, each that of the slowest rank.
  ///
  /// - Throws: `MPIError` with what MPI says of it.
  /// - Complexity: O(count) in time and memory.
  public func allreduceSeconds(count: Int) throws -> Double {
    let ones = [Float](repeating: 1, count: count)
    var sums = ones
    return try fastest(of: 3) {
      let start = ContinuousClock.now
      try check(
        MPI_Allreduce(ones, &sums, Int32(count), mpiFloat(), mpiSum(), mpiWorld()), "MPI_Allreduce")
      return start.duration(to: .now) / .seconds(1)
    }
  }

  /// MPI_Abort: says why on standard error, and ends all processes with the exit code 1.
  public func abort(because message: String) {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    MPI_Abort(mpiWorld(), 1)
  }

  private func offsets(_ counts: [Int]) -> [Int32] {
    var end: Int32 = 0
    return counts.map { count in
      defer { end += Int32(count) }
      return end
    }
  }
}

/// What MPI can't do.
public struct MPIError: Error, CustomStringConvertible {
  /// What is wrong, for example `MPI_Bcast: message truncated`.
  public let description: String
}

private func check(_ code: Int32, _ call: String) throws(MPIError) {
  guard code != MPI_SUCCESS else { return }
  var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING))
  var length: Int32 = 0
  MPI_Error_string(code, &text, &length)
  let message = String(
    decoding: text.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  throw MPIError(description: "\(call): \(message)")
}
