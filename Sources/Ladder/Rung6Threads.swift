import Dispatch
import Layers

/// Rung 5 on several threads.
package enum Threads: Rung {
  package static let title = "threads"
  package static let reason = """
    Images and groups don't depend on each other: each thread computes whole pieces. No thread \
    waits for another before the end, and no number is written by two.
    """
  package static var source: SourceLocation { .here() }

  package static func scratchCount(_ sizes: Sizes) -> Int { Packed.scratchCount(sizes) }

  package static func forward(_ piece: Piece, scratch: UnsafeMutablePointer<Float>) {
    Packed.forward(piece, scratch: scratch)
  }

  package static func run(_ pieces: [Piece], scratch: [UnsafeMutablePointer<Float>]) {
    onThreads(pieces.count, scratch: scratch) { i, scratch in forward(pieces[i], scratch: scratch) }
  }
}

/// Calls `body` for 0..<count, each thread with working memory of its own. Thread t takes every
/// `scratch.count`-th number, from t on.
func onThreads(
  _ count: Int, scratch: [UnsafeMutablePointer<Float>],
  _ body: (_ i: Int, _ scratch: UnsafeMutablePointer<Float>) -> Void
) {
  // The compiler can't see that no two threads write to the same memory.
  nonisolated(unsafe) let (scratch, body) = (scratch, body)
  DispatchQueue.concurrentPerform(iterations: scratch.count) { thread in
    for i in stride(from: thread, to: count, by: scratch.count) { body(i, scratch[thread]) }
  }
}
