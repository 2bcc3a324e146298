import Tensors

/// A result of the learner's beside the right one.
struct Comparison {
  /// What is compared, for example `out`.
  let name: String
  let mine: Tensor<Double>
  let right: Tensor<Double>
  /// How many random terms an element is summed from; 0 where no rounding is possible.
  ///
  /// Adding T of them in two orders gives results that differ by about ε·√T/3 of the largest:
  /// each addition rounds by up to ε/2 of a partial sum that grows like a random walk. Six
  /// deviations are allowed, 2·ε·√T, and a few roundings of functions.
  let terms: Int
  /// What some well-known mistakes give.
  var mistakes: [Mistake] = []
  /// Into how many groups the channels are cut.
  var groups = 1

  /// A mistake and what comes of it.
  struct Mistake {
    let name: String
    let result: Tensor<Double>
  }

  private var tolerance: Double {
    terms == 0 ? 0 : (2 * Double(terms).squareRoot() + 8) * .ulpOfOne * right.largestMagnitude
  }

  private var wrong: [Int] {
    (0..<right.count).filter { !(abs(mine[$0] - right[$0]) <= tolerance) }
  }

  /// What is wrong, one finding a line; `nil` when nothing is.
  func failure(on description: String) -> [String]? {
    let wrong = wrong
    guard let worst = wrong.max(by: { distance($0) < distance($1) }) else { return nil }
    var lines = [
      "\(name) is wrong at \(wrong.count) of \(right.count) elements.",
      "  case: \(description)",
    ]
    lines += causes(wrong).map { "  likely cause: \($0)" }
    lines += [
      "  worst: element \(place(of: worst))",
      "    yours \(mine[worst])",
      "    right \(right[worst])",
    ]
    return lines
  }

  private func distance(_ i: Int) -> Double {
    let distance = abs(mine[i] - right[i])
    return distance.isNaN ? .infinity : distance
  }

  private func place(of position: Int) -> String {
    let index = index(of: position).map(String.init).joined(separator: ", ")
    return (right.shape.rank == 4 ? "(n, c, y, x) = " : "") + "(\(index))"
  }

  private func index(of position: Int) -> [Int] {
    var rest = position
    var index: [Int] = []
    for extent in right.shape.dimensions.reversed() {
      index.insert(rest % extent, at: 0)
      rest /= extent
    }
    return index
  }

  private func causes(_ wrong: [Int]) -> [String] {
    if wrong.contains(where: { !mine[$0].isFinite }) {
      return ["not a finite number: a division by 0, or a power that is too great"]
    }
    if let mistake { return [mistake] }
    if mine.elements.allSatisfy({ $0 == 0 }) { return ["all zeros: it is never written"] }
    return [factor, offset, place(wrong)].compactMap { $0 }
  }

  /// The well-known mistake that gives this result, if one does.
  var mistake: String? {
    mistakes.first { mine.largestDifference(to: $0.result) <= slack }?.name
  }

  private var slack: Double { 1e-9 * right.largestMagnitude }

  private var factor: String? {
    let squares = right.squaredNorm
    let factor = zip(mine.elements, right.elements).reduce(0) { $0 + $1.0 * $1.1 } / squares
    let fits = zip(mine.elements, right.elements).allSatisfy { abs($0 - factor * $1) <= slack }
    guard fits, right.count > 2 else { return nil }
    return abs(factor + 1) < 1e-9
      ? "the negative of the right one" : "\(short(factor)) times the right one"
  }

  private var offset: String? {
    let offset = mine[0] - right[0]
    let fits = zip(mine.elements, right.elements).allSatisfy { abs($0 - $1 - offset) <= slack }
    return fits && right.count > 2 ? "off by \(short(offset)) everywhere" : nil
  }

  private func place(_ wrong: [Int]) -> String? {
    guard wrong.count < right.count else { return nil }
    let isWrong = Set(wrong)
    for (axis, name) in ["image", "channel", "row", "column"].enumerated()
    where axis < right.shape.rank {
      let wrongOnes = Set(wrong.map { index(of: $0)[axis] })
      let rightOnes = Set(
        (0..<right.count).filter { !isWrong.contains($0) }.map { index(of: $0)[axis] })
      guard wrongOnes.isDisjoint(with: rightOnes), let first = wrongOnes.min() else { continue }
      if name == "channel", groups > 1, first >= right.shape[axis] / groups {
        return "right in the first group of channels and wrong in the others: a group's offset"
      }
      let list = wrongOnes.sorted().map(String.init).joined(separator: ", ")
      return "wrong exactly in \(name)s \(list)"
    }
    return nil
  }

  private func short(_ number: Double) -> String {
    let text = "\((number * 1e4).rounded() / 1e4)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
