import Fast
import Tensors

/// A layer's filters at the points of minimal filtering, kept while its weights stay the same.
///
/// Whether they are the same is told by their memory, and their tensor is kept as well: an array that
/// two hold is copied by whoever changes it, so what lies at the address that is held here can't have
/// changed. Whether the weights were learnt, read from a file or set, they then lie somewhere else.
///
/// For the same reason nothing must be kept while a network learns: its step would copy the weights.
final class KeptFilters: Sendable {
  private struct Kept {
    let weights: Tensor<Float>
    let filters: AlignedMemory
  }
  private let kept = LockedState<Kept?>(nil)

  /// Calls `body` with the filters of some weights, `count` numbers, which `pack` makes if it has to.
  func withFilters(
    of weights: Tensor<Float>, count: Int, pack: (UnsafeMutablePointer<Float>) -> Void,
    _ body: (UnsafePointer<Float>) -> Void
  ) {
    let same = kept.withLock { kept in
      kept.flatMap {
        $0.filters.count == count && $0.weights.sharesMemory(with: weights) ? $0.filters : nil
      }
    }
    if let same { return withExtendedLifetime(same) { body(same.pointer) } }
    forget()
    let filters = AlignedMemory(count: count)
    pack(filters.pointer)
    let new = Kept(weights: weights, filters: filters)
    kept.withLock { $0 = new }
    withExtendedLifetime(filters) { body(filters.pointer) }
  }

  /// Keeps nothing any more.
  func forget() { kept.withLock { $0 = nil } }
}

/// Numbers on a boundary of 64 bytes. Written before anybody else sees them, and then only read.
private final class AlignedMemory: @unchecked Sendable {
  let count: Int
  let pointer: UnsafeMutablePointer<Float>

  init(count: Int) {
    self.count = count
    pointer = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, count) * MemoryLayout<Float>.stride, alignment: 64
    ).bindMemory(to: Float.self, capacity: count)
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}

extension Tensor {
  /// Whether the elements are the same array.
  func sharesMemory(with other: Tensor) -> Bool {
    elements.withUnsafeBufferPointer { a in
      other.elements.withUnsafeBufferPointer { b in
        a.count == b.count && a.baseAddress == b.baseAddress
      }
    }
  }
}
