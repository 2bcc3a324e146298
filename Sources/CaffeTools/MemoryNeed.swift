import Fast
import Foundation
import Networks
import WholeFiles

/// The memory that a run is going to need, asked for before it starts.
///
/// Swift ends a process that isn't given memory. Asked for at the start, it can be refused with a
/// message instead, and not only hours later, at a training run's first snapshot.
package struct MemoryNeed {
  /// What needs it, for messages.
  package var purpose: String
  /// The bytes that grow with network and batch.
  package var bytes: Double

  /// On how many threads the command works.
  package var threads = Engine.shared.threads

  /// What every command needs, its threads with their stacks and heaps included. Most of it is
  /// address space that is never touched. No more threads than cores run at a time.
  private var base: Double {
    320 * 0x1p20 + Double(min(threads, Engine.shared.threads)) * 80 * 0x1p20
  }

  /// The need of copies of a network's tensors in single precision.
  ///
  /// - Parameters:
  ///   - summary: the network, at the batch that it is run on.
  ///   - parameters: how many tensors of each parameter's shape are alive at a time: itself, its
  ///     gradient, what momentum remembers, what is made of it for a file.
  ///   - blobs: the same for each layer's output.
  ///   - threads: on how many threads the command works; all cores if left out.
  package init(_ summary: NetworkPlan, parameters: Int, blobs: Int, threads: Int? = nil) {
    if let threads { self.threads = threads }
    purpose = "\(summary.network) with a batch of \(summary.input.images)"
    bytes =
      Double(MemoryLayout<Float>.size)
      * (Double(parameters) * Double(summary.parameterCount)
        + Double(blobs) * (Double(summary.outputCount) + Double(summary.input.count)))
  }

  /// Throws unless the system would give this process so much memory more.
  package func require() throws(MemoryError) {
    guard MemoryGrant.isGiven(byteCount: Int(min(bytes + base, 0x1p62))) else {
      throw MemoryError(need: self)
    }
  }

  fileprivate var description: String {
    let gigabytes = String(format: "%.1f", (bytes + base) * 0x1p-30)
    return "\(purpose) needs about \(gigabytes) GiB of memory here"
  }
}

/// Memory that the system doesn't give.
public struct MemoryError: Error, CustomStringConvertible {
  fileprivate var need: MemoryNeed

  /// What needs how much, and what to do about it.
  public var description: String {
    "\(need.description), more than this process is given; raise its limit (ulimit -v), or choose a "
      + "smaller batch, fewer threads or a smaller network"
  }
}
