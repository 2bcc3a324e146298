import Exercises
import Tensors
import Workbench

extension Exercise {
  static let winograd = Exercise(
    name: "winograd",
    title: "two outputs of a filter in four multiplications",
    file: "Winograd.swift",
    chapter: "Docs/18-BeyondBLAS.md",
    twin: nil,
    difference: """
      Sources/Tuned makes four outputs of three taps in both directions: 36 multiplications \
      instead of 144, with matrices that ToomCook.swift computes.
      """,
    hints: [
      """
      y[0] − m₁ = g[1]·d[1] + g[2]·d[2] + g[0]·d[2], and \
      y[1] + m₄ = g[0]·d[1] + g[1]·d[2] + g[2]·d[1].
      """,
      """
      Their sum is (d[1] + d[2])·(g[0] + g[1] + g[2]), and their difference is \
      (d[2] − d[1])·(g[0] − g[1] + g[2]).
      """,
      """
      m₂ = (d[1] + d[2]) · (g[0] + g[1] + g[2]).half and \
      m₃ = (d[2] − d[1]) · (g[0] − g[1] + g[2]).half.
      """,
      """
      A signal: for i in stride(from: 0, to: count - 1, by: 2) with count = d.count − 2, \
      f23(Array(d[i..<i + 4]), g) gives outputs i and i + 1.
      """,
    ],
    parts: [
      Part(name: "two outputs") { filters([4]) },
      Part(name: "a signal") { filters([4, 5, 6, 9, 3, 32]) },
    ])

  /// Small whole numbers, whose halves are exact.
  private static func filters(_ counts: [Int]) -> Finding {
    var generator = SplitMix64(seed: 6)
    for count in counts {
      func numbers(_ count: Int) -> [Double] {
        (0..<count).map { _ in Double(Int.random(in: -9...9, using: &generator)) }
      }
      let (d, g) = (numbers(count), numbers(3))
      let outputs = count - 2
      let right = (0..<outputs).map { i in d[i] * g[0] + d[i + 1] * g[1] + d[i + 2] * g[2] }
      let (mine, multiplications) = Counted.counting {
        counts == [4]
          ? Winograd.f23(d.map(Counted.init), g.map(Counted.init))
          : Winograd.filter(d.map(Counted.init), g.map(Counted.init))
      }
      let description = "\(count) inputs"
      guard mine.count == outputs else {
        return .wrong(["\(mine.count) outputs of \(description), and \(outputs) are right"])
      }
      let comparison = Comparison(
        name: "y", mine: Tensor(Shape(outputs), mine.map(\.value)),
        right: Tensor(Shape(outputs), right), terms: 0,
        mistakes: [
          .init(
            name: "the filter is turned round: y[i] = Σ g[j]·d[i + j] reads both from the left",
            result: Tensor(
              Shape(outputs),
              (0..<outputs).map { d[$0] * g[2] + d[$0 + 1] * g[1] + d[$0 + 2] * g[0] }))
        ])
      if let failure = comparison.failure(on: description) { return .wrong(failure) }
      let allowed = outputs / 2 * 4 + outputs % 2 * 3
      guard multiplications <= allowed else {
        return .wrong([
          "right, but in \(multiplications) multiplications for \(outputs) outputs:",
          "\(allowed) are enough, 4 for each two.",
        ])
      }
    }
    return .right("4 multiplications for each two outputs")
  }
}
