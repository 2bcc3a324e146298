import Exercises
import Tensors
import Workbench

extension Exercise {
  static let gemm = Exercise(
    name: "gemm",
    title: "a product of matrices in blocks that fit into the cache",
    file: "GEMM.swift",
    chapter: "Docs/13-Im2colAndBLAS.md",
    twin: nil,
    difference: """
      OpenBLAS cuts three times: for the registers, and for two levels of the cache. \
      script/walkthrough ladder shows what each step gains.
      """,
    hints: [
      """
      First get it right with three plain loops; the check then counts.
      """,
      """
      Blocks: three outer loops go over the first row, the first column and the first p of a block, in \
      steps of the block's size; three inner loops go over the block itself.
      """,
      """
      Which size? A block of a, one of b and one of c must fit together: 3·s² ≤ 512. A line holds 8 \
      neighbours of a row, so a multiple of 8 wastes nothing.
      """,
      """
      for i0 in stride(from: 0, to: c.rows, by: 8), likewise j0 and p0; inside, i from i0 to \
      min(i0 + 8, c.rows), and so on. Sum up in a variable, and write c[i, j] once for each block.
      """,
    ],
    parts: [
      Part(name: "product") { productIsRight() },
      Part(name: "few fetches") { productIsBlocked() },
    ])

  private static func run(
    _ rows: Int, _ columns: Int, _ inner: Int
  ) -> (result: [Double], right: [Double], misses: Int) {
    var generator = SplitMix64(seed: 5)
    func numbers(_ count: Int) -> [Double] {
      (0..<count).map { _ in Double(Int.random(in: -9...9, using: &generator)) }
    }
    let (a, b) = (numbers(rows * inner), numbers(inner * columns))
    let cache = CountingCache()
    let c = CachedMatrix(
      rows, columns, [Double](repeating: 0, count: rows * columns), cache: cache)
    multiply(
      CachedMatrix(rows, inner, a, cache: cache), CachedMatrix(inner, columns, b, cache: cache),
      into: c)
    var right = c.numbers.map { _ in 0.0 }
    for i in 0..<rows {
      for j in 0..<columns {
        for p in 0..<inner { right[i * columns + j] += a[i * inner + p] * b[p * columns + j] }
      }
    }
    return (c.numbers, right, cache.misses)
  }

  private static func productIsRight() -> Finding {
    for (rows, columns, inner) in [(2, 3, 4), (8, 8, 8), (9, 17, 5), (1, 1, 1), (20, 3, 11)] {
      let (result, right, _) = run(rows, columns, inner)
      let shape = Shape(rows, columns)
      let comparison = Comparison(
        name: "c", mine: Tensor(shape, result), right: Tensor(shape, right), terms: 0)
      if let failure = comparison.failure(on: "\(rows)×\(inner) times \(inner)×\(columns)") {
        return .wrong(failure)
      }
    }
    return .right("whole numbers, five shapes")
  }

  /// Three plain loops over 48×48 numbers need 19,000 to 129,000 fetches, depending on their order, and
  /// blocks of 8 need 3,744: each block of a and b is fetched 6 times, 8 lines each, and c's once for
  /// each step along p. The limit leaves room for blocks of other sizes, and for c in two loops.
  private static func productIsBlocked() -> Finding {
    let limit = 9000
    let misses = run(48, 48, 48).misses
    return misses <= limit
      ? .right("\(misses) fetches for 48×48 times 48×48; three plain loops need 19,000 or more")
      : .wrong([
        "right, but not kind to the cache: \(misses) fetches for 48×48 times 48×48,",
        "and \(limit) are enough for blocks that fit.",
      ])
  }
}
