/// The blocks that a batch is cut into, and which rank computes which.
///
/// The gradients of the blocks are added in the order of a binary tree over their numbers:
///
///     ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7))
///
/// A block without a sibling goes one level up as it is: five blocks are ((0 + 1) + (2 + 3)) + 4. The tree
/// depends on the number of blocks alone, so the sum has the same bits on any number of ranks.
public struct BlockPlan: Hashable, Sendable {
  /// How many blocks a batch is cut into.
  public let blocks: Int
  /// How many ranks share them: each has at least one.
  public let ranks: Int

  /// One block on one rank.
  public static let whole = BlockPlan()

  private init() { (blocks, ranks) = (1, 1) }

  /// A plan.
  ///
  /// - Throws: `SolverError` for no blocks, or for more ranks than blocks.
  /// - Complexity: O(1).
  public init(blocks: Int, ranks: Int = 1) throws(SolverError) {
    guard blocks >= 1 else {
      throw SolverError(setting: "blocks \(blocks)", rule: "must be at least 1")
    }
    guard (1...blocks).contains(ranks) else {
      throw SolverError(
        setting: "\(ranks) ranks",
        rule:
          "are more than the \(blocks == 1 ? "one block" : "\(blocks) blocks") of a batch; each "
          + "rank computes at least one: start fewer ranks, or a new run with more blocks")
    }
    self.blocks = blocks
    self.ranks = ranks
  }

  /// The blocks of a rank: B·r/R ..< B·(r + 1)/R.
  public func blocks(of rank: Int) -> Range<Int> {
    blocks * rank / ranks..<blocks * (rank + 1) / ranks
  }

  /// What is left of a rank's blocks once siblings are added.
  ///
  /// - Complexity: O(blocks of the rank).
  func subtrees(of rank: Int) -> [(level: Int, index: Int)] {
    var sum = TreeSum<Void>()
    for block in blocks(of: rank) { sum.add((), index: block) { _, _ in } }
    return sum.subtrees.map { ($0.level, $0.index) }
  }
}

/// A sum in the order of a binary tree, of which siblings are added as soon as both are there.
///
/// It works like a counter in binary digits: of n terms that come one after the other, at most
/// log₂ n + 1 are held at a time.
struct TreeSum<Term> {
  /// A sum of the terms index·2^level ..< (index + 1)·2^level.
  struct Subtree {
    var level: Int
    var index: Int
    var sum: Term
  }

  /// What could not be added yet, in the order of the terms.
  private(set) var subtrees: [Subtree] = []

  /// Adds a term, or the sum of a whole subtree, that comes directly behind the last one.
  ///
  /// - Parameter merge: adds its second argument, which isn't needed any longer then, to the first.
  mutating func add(
    _ term: consuming Term, level: Int = 0, index: Int, merge: (inout Term, consuming Term) -> Void
  ) {
    subtrees.append(Subtree(level: level, index: index, sum: term))
    while let last = subtrees.last, last.index % 2 == 1, subtrees.count > 1,
      subtrees[subtrees.count - 2].level == last.level,
      subtrees[subtrees.count - 2].index == last.index - 1
    {
      mergeLast(merge)
      subtrees[subtrees.count - 1].level += 1
      subtrees[subtrees.count - 1].index /= 2
    }
  }

  /// Adds what has no sibling, and empties the tree.
  ///
  /// - Returns: the whole sum; `nil` without a term.
  mutating func finish(merge: (inout Term, consuming Term) -> Void) -> Term? {
    while subtrees.count > 1 { mergeLast(merge) }
    return subtrees.popLast()?.sum
  }

  private mutating func mergeLast(_ merge: (inout Term, consuming Term) -> Void) {
    let last = subtrees.removeLast()
    merge(&subtrees[subtrees.count - 1].sum, last.sum)
  }

  /// Takes all subtrees out.
  mutating func removeAll() -> [Subtree] {
    defer { subtrees = [] }
    return subtrees
  }
}
