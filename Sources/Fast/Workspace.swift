import Tensors

/// A block of working memory, of `byteCount` bytes. Nobody else has it while it is lent, so it may
/// go from thread to thread.
struct Workspace: @unchecked Sendable {
  let memory: UnsafeMutableRawPointer
  let byteCount: Int
}

/// The blocks of working memory that nobody is using just now.
///
/// A request gets the smallest block that is large enough; if none is, the largest one is replaced
/// by one that is. There are never more blocks than were out at one time, and once the pool has
/// seen every request of a network's pass, it allocates no more.
package final class WorkspacePool: Sendable {
  private struct State {
    /// From the smallest to the largest.
    var free: [Workspace] = []
    var allocations = 0
    var bytes = 0
  }

  package init() {}

  private let state = LockedState(State())

  var allocations: Int { state.withLock { $0.allocations } }
  var bytes: Int { state.withLock { $0.bytes } }

  /// Lends working memory for `count` numbers, whose values are undefined, during a call.
  package func lend<Number>(
    _ count: Int, of type: Number.Type = Number.self,
    _ body: (UnsafeMutablePointer<Number>) -> Void
  ) {
    let byteCount = count * MemoryLayout<Number>.stride
    // A word behind the numbers tells whether anybody has written beyond them: a mistake that would
    // otherwise show far from here, if at all.
    let guardWord: UInt64 = 0x5AFE_5AFE_5AFE_5AFE
    let workspace = take(byteCount: byteCount + MemoryLayout<UInt64>.size)
    workspace.memory.storeBytes(of: guardWord, toByteOffset: byteCount, as: UInt64.self)
    // The block holds at least `count` numbers, and is aligned for vectors.
    body(workspace.memory.bindMemory(to: Number.self, capacity: count))
    require(
      workspace.memory.loadUnaligned(fromByteOffset: byteCount, as: UInt64.self) == guardWord,
      "somebody wrote beyond the \(byteCount) bytes of working memory that were lent")
    giveBack(workspace)
  }

  /// A block of at least `byteCount` bytes, on a boundary of 64: a cache line, an AVX-512 vector.
  private func take(byteCount: Int) -> Workspace {
    state.withLock { state in
      if let best = state.free.firstIndex(where: { $0.byteCount >= byteCount }) {
        return state.free.remove(at: best)
      }
      if let old = state.free.popLast() {
        state.bytes -= old.byteCount
        old.memory.deallocate()
      }
      let rounded = (max(byteCount, 1) + 4095) / 4096 * 4096
      state.allocations += 1
      state.bytes += rounded
      return Workspace(
        memory: .allocate(byteCount: rounded, alignment: 64), byteCount: rounded)
    }
  }

  private func giveBack(_ workspace: Workspace) {
    state.withLock { state in
      let place = state.free.firstIndex { $0.byteCount >= workspace.byteCount }
      state.free.insert(workspace, at: place ?? state.free.endIndex)
    }
  }

  deinit {
    state.withLock { state in
      for workspace in state.free { workspace.memory.deallocate() }
    }
  }
}
