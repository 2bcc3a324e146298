import BrokenLayers
import GradientChecking
import Testing

/// The checker is checked on many points, and beside Caffe's way of checking.
@Suite struct GalleryStatistics {
  /// The thread sanitizer sees the same threads at every point.
  private static let seeds: ClosedRange<UInt64> = isWatchedForRaces ? 1...3 : 1...100

  /// A bar that is too narrow would show here as a false alarm: some 300,000 quotients of right
  /// layers.
  @Test(arguments: BrokenLayer.gallery)
  func raisesNoFalseAlarmInAHundredSeeds(_ member: BrokenLayer) throws {
    for seed in Self.seeds {
      let report = try member.checkRight(options: CheckOptions(mode: .sampled(40), seed: seed))
      let passed = report.passed
      #expect(passed, "seed \(seed):\n\(report.explanation)")
    }
  }

  /// A sample of 32 elements and 3 directions of each tensor is enough to catch every bug of the
  /// gallery, at every point.
  @Test(arguments: BrokenLayer.gallery)
  func isCaughtInAHundredSeeds(_ member: BrokenLayer) throws {
    for seed in Self.seeds {
      let report = try member.check(options: CheckOptions(mode: .sampled(32), seed: seed))
      let passed = report.passed
      #expect(!passed, "seed \(seed)")
    }
  }

  /// The table of what Caffe's tolerances miss.
  @Test func caffeMissesSome() throws {
    var lines = ["member                               here     Caffe    its worst error"]
    var missed: Set<String> = []
    for member in BrokenLayer.gallery {
      let caffe = try member.checkAsCaffe()
      let here = try member.check()
      if caffe.passed { missed.insert(member.name) }
      let name = member.name + String(repeating: " ", count: max(1, 37 - member.name.count))
      lines.append(
        "\(name)\(here.passed ? "missed" : "caught")   \(caffe.passed ? "missed" : "caught")   "
          + "\(caffe.worstError)")
      let right = try member.checkRightAsCaffe()
      #expect(right.passed, "\(member.name): Caffe's check must accept the right layer")
    }
    print(lines.joined(separator: "\n"))
    print("Caffe's tolerances miss \(missed.count) of \(BrokenLayer.gallery.count)")
    // What lies below its threshold, what it leaves out, and what it never looks at.
    for name in [
      "lrn-no-cross-term-alexnet", "inner-product-summed-in-float", "relu-both-sides-at-zero",
      "max-pool-every-tie", "conv-always-accumulates",
    ] {
      #expect(missed.contains(name), "\(name)")
    }
  }
}
