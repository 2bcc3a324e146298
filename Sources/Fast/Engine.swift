import COpenBLAS
import Dispatch
import FoundationEssentials
import Synchronization
import Tensors

/// The threads and the working memory that the fast layers share.
///
/// Work is cut into **fixed pieces**, by the shapes alone and never by the number of threads, and
/// partial results are added in a fixed order: the same input gives the same bits on any number of
/// threads. The threads draw the pieces from one atomic counter, so that a slow core takes fewer.
///
/// OpenBLAS is told to use one thread, for the whole process: a piece calls it on the thread that
/// runs the piece. Images in parallel with single-threaded products beat one image at a time with
/// OpenBLAS's own threads, whose barriers every small product would pay for.
///
/// Working memory is lent from a pool. Once each layer has run, every request finds a block that is
/// large enough, so that steady state allocates nothing. Two networks on two threads may share an
/// engine.
public final class Engine: Sendable {
  /// The engine that layers use unless given another: all cores.
  public static let shared = Engine()

  /// On how many threads pieces run at a time, the caller's included.
  public let threads: Int

  private let pool = WorkspacePool()

  /// An engine on a number of threads; all cores unless given, and at least one.
  ///
  /// - Parameter threads: on how many pieces run at a time, the caller's included.
  public init(threads: Int? = nil) {
    _ = Self.openBLASIsSingleThreaded
    self.threads = max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount)
  }

  private static let openBLASIsSingleThreaded: Bool = {
    openblas_set_num_threads(1)
    return true
  }()

  /// How often working memory has been allocated so far; it stands still in steady state.
  public var workspaceAllocations: Int { pool.allocations }

  /// The bytes of working memory held.
  public var workspaceBytes: Int { pool.bytes }

  /// Runs the pieces 0, 1, … `pieces` − 1 over the threads and returns when all are done.
  ///
  /// `body` is called from several threads at a time: pieces must write to memory of their own.
  package func run(_ pieces: Int, _ body: (Int) -> Void) {
    let workers = min(threads, pieces)
    guard workers > 1 else {
      for piece in 0..<max(pieces, 0) { body(piece) }
      return
    }
    let next = Atomic<Int>(0)
    withoutActuallyEscaping(body) { body in
      // Safe by the contract above, and because concurrentPerform returns after the last call.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: workers) { _ in
        while true {
          let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard piece < pieces else { return }
          body(piece)
        }
      }
    }
  }

  /// As `run(_:_:)`, each piece with working memory for `count` numbers whose values are undefined.
  package func run<Number>(
    _ pieces: Int, scratch count: Int, of type: Number.Type = Number.self,
    _ body: (Int, UnsafeMutablePointer<Number>) -> Void
  ) {
    run(pieces) { piece in
      lend(count, of: type) { body(piece, $0) }
    }
  }

  /// As `run(_:_:)`, with ranges for pieces that make up 0..<count.
  ///
  /// Unless given, a range is large enough that handing it out costs nothing beside going through
  /// memory once, and small enough to stay in a core's cache.
  package func run(over count: Int, atMost size: Int = rangeSize, _ body: (Range<Int>) -> Void) {
    let ranges = Partition(count, partsOfAtMost: size)
    run(ranges.parts) { body(ranges[$0]) }
  }

  /// The numbers of a range, unless told otherwise.
  package static let rangeSize = 1 << 15

  /// Changes a tensor in place, range by range.
  @inline(__always)
  func change<Scalar: BLASScalar>(
    _ data: inout Tensor<Scalar>, _ body: (UnsafeMutablePointer<Scalar>, Range<Int>) -> Void
  ) {
    let count = data.count
    data.withMutableMemory { data in run(over: count) { body(data, $0) } }
  }

  /// As `change(_:_:)`, beside another tensor of as many numbers.
  @inline(__always)
  func change<Scalar: BLASScalar>(
    _ data: inout Tensor<Scalar>, with other: Tensor<Scalar>,
    _ body: (UnsafeMutablePointer<Scalar>, UnsafePointer<Scalar>, Range<Int>) -> Void
  ) {
    require(data, other.count)
    other.withMemory { other in change(&data) { body($0, other, $1) } }
  }

  /// Lends working memory for `count` numbers, whose values are undefined, during a call.
  package func lend<Number>(
    _ count: Int, of type: Number.Type = Number.self,
    _ body: (UnsafeMutablePointer<Number>) -> Void
  ) {
    pool.lend(count, of: type, body)
  }
}
