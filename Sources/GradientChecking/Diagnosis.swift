import RealModule
import Tensors

/// Looks for a pattern in where and by how much a gradient is wrong.
struct Diagnosis {
  private let shape: Shape
  private let name: String
  private let facts: Facts
  /// Elements off kinks with a usable quotient, by position.
  private let judged: [ElementCheck]
  private let wrong: [ElementCheck]
  private let wrongDirections: Int
  private let wrongKinks: Int
  private let isComplete: Bool
  /// The size by which patterns are judged.
  private let scale: Double

  init(
    _ variable: Variable, elements: [ElementCheck], directions: [ElementCheck], facts: Facts
  ) {
    shape = variable.shape
    name = variable.name
    self.facts = facts
    judged = elements.filter { $0.place != .kink && $0.numeric.isFinite }
    wrong = judged.filter { !$0.passed }
    wrongKinks = elements.count { $0.place == .kink && !$0.passed }
    wrongDirections = directions.count { !$0.passed }
    isComplete = judged.count == variable.shape.count
    scale = judged.reduce(0) { max($0, abs($1.numeric)) }
  }

  /// Every pattern that fits, the most telling first.
  var causes: [String] {
    guard !wrong.isEmpty else {
      if wrongKinks > 0 {
        return ["wrong at kinks only: the value lies outside of what both sides allow"]
      }
      return wrongDirections == 0
        ? []
        : [
          "each element looks right by itself, but not all of them together: where elements share "
            + "a kink (equal maxima of a window), the gradient is given out more than once"
        ]
    }
    if wrong.contains(where: { !$0.analytic.isFinite }) {
      return ["not a finite number: memory that is read before it is written, or a division by 0"]
    }
    var found: [String] = []
    if let cause = constantFactor ?? lowPrecision { found.append(cause) }
    if found.isEmpty, let cause = rearranged { found.append(cause) }
    if found.isEmpty, wrong.allSatisfy({ $0.analytic == 0 }) {
      found.append("missing: 0 where the output does depend on the element")
    }
    if found.isEmpty, wrong.allSatisfy({ abs($0.numeric) <= 1e-9 * scale }) {
      found.append("too much: not 0 where the output doesn't depend on the element")
    }
    if let cause = place { found.append(cause) }
    if found.isEmpty { found.append(accumulationHint ?? "no known pattern fits") }
    return found
  }

  /// analytic = c·numeric throughout.
  private var constantFactor: String? {
    let whole = factor(of: judged)
    guard let factor = whole ?? factor(of: wrong), abs(factor - 1) > 1e-9 else { return nil }
    let extent = whole == nil ? "where it is wrong, the gradient is" : "the gradient is"
    if abs(factor + 1) < 1e-6 { return "\(extent) the negative of the right one" }
    for known in [Facts.Factor("2", 2)] + facts.factors where abs(known.value) != 1 {
      let label = known.name == "2" ? "2" : "\(short(known.value)) (\(known.name))"
      if matches(factor, known.value) { return "\(extent) too large by a factor of \(label)" }
      if matches(factor, 1 / known.value) { return "\(extent) too small by a factor of \(label)" }
    }
    return "\(extent) \(short(factor)) times the right one"
  }

  /// The c with analytic = c·numeric, if there is one. Two elements can't show a pattern.
  private func factor(of checks: [ElementCheck]) -> Double? {
    guard checks.count >= 3 else { return nil }
    let squares = checks.reduce(0) { $0 + $1.numeric * $1.numeric }
    let factor = checks.reduce(0) { $0 + $1.analytic * $1.numeric } / squares
    let largest = checks.reduce(0) { max($0, abs($1.analytic)) }
    guard factor.isFinite, largest > 0 else { return nil }
    let fits = checks.allSatisfy { abs($0.analytic - factor * $0.numeric) <= 1e-6 * largest }
    return fits ? factor : nil
  }

  private func matches(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-6 * abs(b) }

  private var lowPrecision: String? {
    let worst = wrong.reduce(0) { max($0, $1.difference) }
    guard worst <= 1e-5 * scale else { return nil }
    return "off by \(short(worst / scale)) of the largest gradient at most: computed in lower "
      + "precision somewhere, or with a rounded constant"
  }

  /// analytic is numeric with its elements in another order.
  private var rearranged: String? {
    guard isComplete, shape.rank >= 2 else { return nil }
    let (height, width) = (shape.dimensions[shape.rank - 2], shape.dimensions[shape.rank - 1])
    if height == width, height > 1, agrees(reading: { y, x in (x, y) }) {
      return shape.rank == 2
        ? "transposed: rows and columns are exchanged"
        : "transposed: rows and columns of the last two axes are exchanged"
    }
    if height * width > 1, agrees(reading: { y, x in (height - 1 - y, width - 1 - x) }) {
      return "rotated by 180°: convolution and correlation are mixed up"
    }
    guard shape.rank > 2 else { return nil }
    for dy in -2...2 {
      for dx in -2...2 where (dy, dx) != (0, 0) && abs(dy) < height && abs(dx) < width {
        if agrees(reading: { y, x in (y + dy, x + dx) }) {
          return "shifted by \(dy) rows and \(dx) columns: an offset, of the padding perhaps"
        }
      }
    }
    return nil
  }

  /// Whether analytic[y, x] is numeric at another place of the last two axes, wherever that exists.
  private func agrees(reading source: (Int, Int) -> (Int, Int)) -> Bool {
    let (height, width) = (shape.dimensions[shape.rank - 2], shape.dimensions[shape.rank - 1])
    var compared = 0
    for check in judged {
      guard let position = check.position else { continue }
      let (y, x) = (position / width % height, position % width)
      let (sourceY, sourceX) = source(y, x)
      guard (0..<height).contains(sourceY), (0..<width).contains(sourceX) else { continue }
      let other = judged[position + (sourceY - y) * width + sourceX - x]
      if abs(check.analytic - other.numeric) > 1e-6 * scale { return false }
      compared += 1
    }
    return compared >= 4
  }

  /// Where the wrong elements lie, if not everywhere.
  private var place: String? {
    let right = judged.filter(\.passed)
    guard !right.isEmpty else { return nil }
    if shape.rank == 4, name == "input" || name == "scores" {
      let (h, w) = (shape.height, shape.width)
      func border(_ check: ElementCheck) -> Int {
        min(check.index[2], check.index[3], h - 1 - check.index[2], w - 1 - check.index[3])
      }
      let depth = wrong.map(border).max() ?? 0
      if depth < right.map(border).max() ?? 0, depth < min(h, w) / 2 {
        return "wrong only within \(depth + 1) of the border: a contribution of the windows there "
          + "is missing or misplaced"
      }
    }
    for (axis, what) in ["image", "channel", "row", "column"].enumerated()
    where axis < shape.rank && (name == "input" || name == "scores") || axis == 0 {
      let label = name == "input" || name == "scores" ? what : "output channel"
      let wrongIndices = Set(wrong.compactMap { $0.index.count > axis ? $0.index[axis] : nil })
      let rightIndices = Set(right.compactMap { $0.index.count > axis ? $0.index[axis] : nil })
      guard wrongIndices.isDisjoint(with: rightIndices), let first = wrongIndices.min() else {
        continue
      }
      if label.hasSuffix("channel"), facts.groups > 1,
        first >= shape[axis] / facts.groups
      {
        return "right in the first group of channels and wrong in the others: a group's offset"
      }
      return
        "wrong only in \(label)s \(wrongIndices.sorted().map(String.init).joined(separator: ", "))"
    }
    if wrong.allSatisfy({ $0.value < 0 }) && right.contains(where: { $0.value > 0 }) {
      return "wrong only at negative elements"
    }
    if wrong.allSatisfy({ $0.value > 0 }) && right.contains(where: { $0.value < 0 }) {
      return "wrong only at positive elements"
    }
    return "wrong at \(wrong.count) of \(judged.count) elements"
  }

  private var accumulationHint: String? {
    guard wrong.allSatisfy({ abs($0.analytic) < abs($0.numeric) }) else { return nil }
    return "too small wherever it is wrong: one of several contributions may have been overwritten"
  }

  private func short(_ number: Double) -> String { number.formatted(digits: 4) }
}
