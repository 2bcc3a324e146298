import Dispatch

/// The most that the processor can do.
package enum Peak {
  /// The floating-point operations a second of all threads together, when they do nothing but multiply
  /// and add vectors in registers: a sum of 12 that don't wait for each other.
  ///
  /// - Parameter rounds: how many times each vector is added to.
  /// - Complexity: O(rounds) on each thread.
  package static func operationsPerSecond(threads: Int, rounds: Int = 20_000_000) -> Double {
    let clock = ContinuousClock()
    // Each thread writes to a place of its own.
    nonisolated(unsafe) let results = UnsafeMutableBufferPointer<Float>.allocate(capacity: threads)
    results.initialize(repeating: 0)
    defer { results.deallocate() }
    let time = clock.measure {
      DispatchQueue.concurrentPerform(iterations: threads) { thread in
        var sums = InlineArray<12, SIMD16<Float>>(repeating: SIMD16(repeating: 0))
        let (factor, term) = (SIMD16<Float>(repeating: 0.5), SIMD16<Float>(repeating: 1))
        for _ in 0..<rounds {
          for i in 0..<12 { sums[i] = term.addingProduct(factor, sums[i]) }
        }
        // The result is used, so that the compiler can't leave the work out.
        for i in 0..<12 { results[thread] += sums[i].sum() }
      }
    }
    let (seconds, attoseconds) = time.components
    return Double(threads * rounds) * 12 * 16 * 2
      / (Double(seconds) + Double(attoseconds) * 1e-18)
  }
}
