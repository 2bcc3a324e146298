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

  /// What a command has of a network at a time.
  package enum Part {
    /// A network that runs: its parameters, and what `running` has.
    case network
    /// What a network has beside its parameters: blobs, what layers keep, which is at most a number for
    /// each of a blob's, and the gradients of blobs and parameters if there is a backward pass.
    case running
    /// What momentum remembers.
    case momentum
    /// A snapshot of parameters and momentum, as arrays and as bytes.
    case snapshot
    /// A file of weights, and what is read of it.
    case weights
    /// All blobs, parameters and gradients as arrays and as bytes, in `Double` at most.
    case archive
    /// Tensors of the parameters' shapes, so many of each.
    case parameters(Int)
    /// Tensors of the blobs' shapes.
    case blobs(Int)

    /// How many tensors of each parameter's shape, and of each blob's.
    fileprivate func copies(_ hasBackwardPass: Bool) -> (parameters: Int, blobs: Int) {
      let passes = hasBackwardPass ? 2 : 1
      return switch self {
      case .network: (passes, passes + 1)
      case .running: (passes - 1, passes + 1)
      case .momentum: (1, 0)
      case .snapshot: (4, 0)
      case .weights: (2, 0)
      case .archive: (4 * passes, 4 * passes)
      case .parameters(let count): (count, 0)
      case .blobs(let count): (0, count)
      }
    }
  }

  /// The need of what a command has of a network.
  ///
  /// - Parameters:
  ///   - plan: the network's, at the batch that it is run on, with the gradients that are computed.
  ///   - parts: what is alive at a time.
  ///   - precision: of the numbers.
  ///   - threads: on how many threads the command works; all cores if left out.
  package init<Scalar>(
    _ plan: NetworkPlan, _ parts: [Part], precision: Scalar.Type = Float.self, threads: Int? = nil
  ) {
    if let threads { self.threads = threads }
    purpose = "\(plan.network) with a batch of \(plan.input.images)"
    let copies = parts.map { $0.copies(plan.hasBackwardPass) }
    let blobs = plan.blobs.reduce(0) { $0 + Double($1.shape.count) }
    bytes =
      Double(MemoryLayout<Scalar>.size)
      * copies.reduce(0) {
        $0 + Double($1.parameters) * Double(plan.parameterCount) + Double($1.blobs) * blobs
      }
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
