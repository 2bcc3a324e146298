import ArgumentParser
import Datasets
import Fast
import Foundation
import Training

#if MPI
  import MessagePassing
#endif

/// The processes that a `train` shares its work with: none, or those that `mpirun` started.
struct Ranks {
  let communicator: any Communicator
  /// How many of them run on this machine.
  private let localSize: Int
  private let finalize: () -> Void

  /// Joins them.
  ///
  /// - Throws: `SettingsError` when `mpirun` has started processes that don't know of each other.
  init(isDistributed: Bool) throws {
    #if MPI
      if isDistributed {
        let ranks = try MPICommunicator()
        (communicator, localSize, finalize) = (ranks, ranks.localSize, ranks.finalize)
        return
      }
    #else
      guard !isDistributed else {
        throw SettingsError(
          description: "--distributed: this program was built without MPI. "
            + "script/walkthrough-mpi -n 2 train … builds one with it and starts it; by hand: "
            + "ALEXNET_MPI=ompi-c swift build -c release --scratch-path .build-mpi")
      }
    #endif
    let environment = ProcessInfo.processInfo.environment
    let started =
      ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].compactMap {
        environment[$0].flatMap { Int($0) }
      }.max() ?? 1
    guard started == 1 else {
      throw SettingsError(
        description: "mpirun has started \(started) processes, each of which would train alone and "
          + "write the same files: give --distributed, or start one without mpirun")
    }
    (communicator, localSize, finalize) = (SingleProcess(), 1, {})
  }

  /// Whether this process shows and writes what comes of the run.
  var isFirst: Bool { communicator.rank == 0 }

  /// On how many threads to work, and whether gradients are exchanged meanwhile.
  ///
  /// Left to itself, each rank gets its share of the machine's cores. An exchange that runs beside the
  /// computation wants one of them, as MPI waits by asking again and again: it gets one where the
  /// share is at least four.
  func shareOfMachine(threads: Int?, overlap: Bool?) -> (threads: Int?, overlaps: Bool) {
    guard communicator.size > 1 else { return (threads, false) }
    let cores = max(ProcessInfo.processInfo.activeProcessorCount / localSize, 1)
    let overlaps = overlap ?? (threads.map { $0 < cores } ?? (cores >= 4))
    return (threads ?? (overlaps ? max(cores - 1, 1) : cores), overlaps)
  }

  /// How long the ranks take to add a gradient of each, in seconds: in the order of the blocks, as training
  /// does it, and by MPI_Allreduce.
  func exchangeSeconds(parameters: Int) throws -> (inOrder: Double, allreduce: Double?) {
    let inOrder = try communicator.exchangeSeconds(parameters: parameters)
    #if MPI
      if let ranks = communicator as? MPICommunicator {
        return (inOrder, try ranks.allreduceSeconds(count: parameters))
      }
    #endif
    return (inOrder, nil)
  }

  /// Runs a command on all ranks, to its end or theirs.
  ///
  /// - Throws: what `body` throws, on a process alone. With several ranks, what all of them know is said
  ///   by rank 0; what happens to one of them ends all.
  func run(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      guard communicator.size > 1 else {
        finalize()
        throw error
      }
      // Flushed now: whoever ends first takes the others along.
      fflush(nil)
      guard error is SharedError || error is ExitCode else {
        communicator.abort(
          because: "Error: rank \(communicator.rank) of \(communicator.size): \(error)")
        throw error
      }
      if isFirst, error is SharedError {
        FileHandle.standardError.write(Data("Error: \(error)\n".utf8))
      }
      finalize()
      throw isFirst ? (error as? ExitCode ?? .failure) : ExitCode.success
    }
    // Alone, the command's end flushes, and says where that fails.
    if communicator.size > 1 { fflush(nil) }
    finalize()
  }
}

extension Ranks {
  /// The program as it was built: what any other build has another one of.
  static var program: String {
    let url = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    guard let bytes = try? Data(contentsOf: url, options: .alwaysMapped) else { return "unknown" }
    var digest = Fingerprint()
    bytes.withUnsafeBytes { digest.add($0) }
    return digest.text
  }
}
