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
  private let experiments: Experiments?

  init(
    _ variable: Variable, elements: [ElementCheck], directions: [ElementCheck], facts: Facts,
    experiments: Experiments?
  ) {
    self.experiments = experiments
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
    let patterns: [() -> String?] = [
      { constantFactor }, { lowPrecision }, { rearranged }, { experimentResult }, { zeros },
      { constantOffset }, { redistributed },
    ]
    var found: [String] = []
    for pattern in patterns where found.isEmpty {
      if let cause = pattern() { found.append(cause) }
    }
    if let cause = silence { found.append(cause) }
    if let cause = place { found.append(cause) }
    if found.isEmpty {
      let worst = wrong.reduce(0) { max($0, $1.difference) }
      found.append(
        "no known pattern fits: wrong everywhere, by \(short(worst / scale)) of the largest "
          + "gradient at most")
    }
    return found
  }

  /// analytic = c·numeric throughout.
  private var constantFactor: String? {
    let whole = factor(of: judged)
    guard let factor = whole ?? factor(of: wrong) else { return nil }
    let extent = whole == nil ? "where it is wrong, the gradient" : "the gradient"
    if matches(factor, -1) { return "\(extent) is the negative of the right one" }
    let known = [Facts.Factor("", 2)] + facts.factors.filter { abs($0.value) != 1 }
    func names(_ value: Double) -> String? {
      let fitting = known.filter { matches(value, $0.value) }
      guard let first = fitting.first else { return nil }
      let names = fitting.map(\.name).filter { !$0.isEmpty }.joined(separator: ", or ")
      return short(first.value) + (names.isEmpty ? "" : " (\(names))")
    }
    if let name = names(factor) { return "\(extent) has a factor of \(name) too much" }
    if let name = names(1 / factor) { return "\(extent) lacks a factor of \(name)" }
    return "\(extent) is \(short(factor)) times the right one"
  }

  /// The c with analytic = c·numeric, if there is one. Two elements can't show a pattern.
  private func factor(of checks: [ElementCheck]) -> Double? {
    guard checks.count >= 3 else { return nil }
    let squares = checks.reduce(0) { $0 + $1.numeric * $1.numeric }
    let factor = checks.reduce(0) { $0 + $1.analytic * $1.numeric } / squares
    let largest = checks.reduce(0) { max($0, abs($1.analytic)) }
    guard factor.isFinite, largest > 0 else { return nil }
    // What is left over has to be small beside what the factor explains.
    let allowed = min(1e-6, 1e-2 * abs(factor - 1)) * largest
    let fits = checks.allSatisfy { abs($0.analytic - factor * $0.numeric) <= allowed }
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
    let moving = judged.filter { $0.numeric != 0 || $0.analytic != 0 }
    let wrongSigns = Set(wrong.map { $0.value > 0 })
    if wrongSigns.count == 1, let sign = wrongSigns.first,
      moving.filter({ ($0.value > 0) == sign }).count == wrong.count,
      moving.contains(where: { ($0.value > 0) != sign })
    {
      return "wrong exactly at the \(sign ? "positive" : "negative") elements"
    }
    return "wrong at \(wrong.count) of \(judged.count) elements"
  }

  /// What the experiments show.
  private var experimentResult: String? {
    guard let experiments else { return nil }
    if !experiments.isLinear {
      return "not linear in the output's gradient: it decides by the gradient where it should "
        + "decide by the input"
    }
    for (change, gradient) in experiments.rearranged where isNumeric(gradient) {
      return "the gradient is what \(change) would give"
    }
    return nil
  }

  /// Which outputs are overlooked.
  private var silence: String? {
    guard let experiments, !experiments.silentOutputs.isEmpty else { return nil }
    let silent = experiments.silentOutputs
    if facts.images > 1, experiments.outputs.isMultiple(of: facts.images) {
      let share = experiments.outputs / facts.images
      let images = Set(silent.map { $0 / share })
      if silent.count == images.count * share {
        let list = images.sorted().map(String.init).joined(separator: ", ")
        return "nothing comes from the outputs of images \(list): the sum over images is missing"
      }
    }
    return "nothing comes from \(silent.count) of the \(experiments.outputs) outputs: their "
      + "contributions are skipped, or overwritten by others"
  }

  private func isNumeric(_ gradient: Tensor<Double>) -> Bool {
    judged.allSatisfy { check in
      check.position.map { abs(gradient[$0] - check.numeric) <= 1e-6 * scale } ?? true
    }
  }

  /// 0 where it shouldn't be, or the other way round.
  private var zeros: String? {
    let missing = wrong.count { $0.analytic == 0 }
    let extra = wrong.count { abs($0.numeric) <= 1e-9 * scale }
    if missing == wrong.count { return "missing: 0 where the output does depend on the element" }
    if extra == wrong.count {
      return "too much: not 0 where the output doesn't depend on the element"
    }
    if missing + extra == wrong.count {
      return "0 where the output depends on the element, and not 0 where it doesn't: another mask "
        + "or other positions than those of the forward pass"
    }
    return nil
  }

  /// analytic = numeric + c wherever it is wrong.
  private var constantOffset: String? {
    guard wrong.count >= 3, let first = wrong.first else { return nil }
    let offset = first.analytic - first.numeric
    let fits = wrong.allSatisfy { abs($0.analytic - $0.numeric - offset) <= 1e-6 * scale }
    return fits ? "off by the same amount, \(short(offset)), wherever it is wrong" : nil
  }

  /// The sums over the planes are right.
  private var redistributed: String? {
    guard isComplete, shape.rank == 4, shape.spatialCount > 1 else { return nil }
    for plane in 0..<shape.count / shape.spatialCount {
      let part = judged[plane * shape.spatialCount..<(plane + 1) * shape.spatialCount]
      let difference = part.reduce(0) { $0 + $1.analytic - $1.numeric }
      if abs(difference) > 1e-6 * scale { return nil }
    }
    return "the sum over each channel is right, its distribution is wrong: given to the wrong "
      + "elements of the windows"
  }

  private func short(_ number: Double) -> String { number.formatted(digits: 4) }
}
