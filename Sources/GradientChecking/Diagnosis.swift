import RealModule
import Tensors

/// Looks for a pattern in where and by how much a gradient is wrong.
struct Diagnosis {
  let shape: Shape
  let name: String
  let facts: Facts
  /// Elements off kinks with a usable quotient, by position.
  let judged: [ElementCheck]
  let wrong: [ElementCheck]
  let wrongDirections: [ElementCheck]
  let wrongKinks: [ElementCheck]
  let isComplete: Bool
  /// The size by which patterns are judged.
  let scale: Double
  let experiments: Experiments?

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
    wrongKinks = elements.filter { $0.place == .kink && !$0.passed }
    wrongDirections = directions.filter { !$0.passed }
    isComplete = judged.count == variable.shape.count
    scale = judged.reduce(0) { max($0, abs($1.numeric)) }
  }

  /// Whether it is an input, whose axes are images, channels, rows and columns.
  var isInput: Bool { name.hasPrefix("input") || name.hasPrefix("scores") }

  /// Every pattern that fits, the most telling first.
  var causes: [String] {
    guard !wrong.isEmpty else {
      if !wrongKinks.isEmpty { return [kinkCause] }
      if wrongDirections.isEmpty { return [] }
      return [
        smoothedGradient(wrongDirections)
          ?? "each element looks right by itself, but not all of them together: where elements share "
          + "a kink (equal maxima of a window), the gradient is given out more than once"
      ]
    }
    if wrong.contains(where: { !$0.analytic.isFinite }) {
      return ["not a finite number: memory that is read before it is written, or a division by 0"]
    }
    if let cause = smoothedGradient(wrong) { return [cause] }
    let terms = jacobianPattern
    let patterns: [() -> String?] = [
      { constantFactor }, { lowPrecision }, { rearranged }, { experimentResult },
      { terms }, { zeros }, { constantOffset }, { redistributed },
    ]
    var found: [String] = []
    for pattern in patterns where found.isEmpty {
      if let cause = pattern() { found.append(cause) }
    }
    if found.isEmpty || found.first != terms, let cause = silence { found.append(cause) }
    if let cause = place { found.append(cause) }
    if found.isEmpty {
      let worst = wrong.reduce(0) { max($0, $1.difference) }
      found.append(
        "no known pattern fits: wrong everywhere, by \(short(worst / scale)) of the largest "
          + "gradient at most")
    }
    return found
  }

  /// What is wrong at kinks, where nothing else is.
  private var kinkCause: String {
    let isSum = wrongKinks.allSatisfy { check in
      guard let left = check.left, let right = check.right else { return false }
      return abs(check.analytic - left.value - right.value) <= 1e-6 * abs(check.analytic)
    }
    return isSum
      ? "wrong at kinks only: the derivatives of both sides are added up, where one of them, or "
        + "something between, is right"
      : "wrong at kinks only: the value lies outside of what both sides allow"
  }

  /// Quotients of great steps agree with the gradient, those of small ones don't.
  private func smoothedGradient(_ wrong: [ElementCheck]) -> String? {
    let size = wrong.reduce(0) { $0 + abs($1.analytic) }
    let coarse = wrong.reduce(0) { sum, check in
      sum + (check.rows.first.map { abs($0.centred - check.analytic) } ?? .infinity)
    }
    let fine = wrong.reduce(0) { $0 + abs($1.numeric - $1.analytic) }
    guard let step = wrong.first?.rows.first?.step, coarse <= 0.25 * size, fine >= 0.5 * size else {
      return nil
    }
    return "the difference quotient with a step of \(short(step)) agrees with the gradient, those "
      + "with small steps don't: the function is rounded, or oscillates, and the gradient is that "
      + "of a smooth function in its place (a straight-through gradient, for example)"
  }

  /// analytic = c·numeric throughout.
  private var constantFactor: String? {
    let whole = factor(of: judged)
    guard let factor = whole ?? factor(of: wrong) else { return nil }
    return factorPhrase(
      whole == nil ? "where it is wrong, the gradient" : "the gradient", factor)
  }

  /// Something has a factor that it shouldn't have, or lacks one: `factor` is what it is times what
  /// is right.
  func factorPhrase(
    _ subject: String, _ factor: Double, within tolerance: Double = 1e-6
  ) -> String {
    func matches(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= tolerance * abs(b) }
    if matches(factor, -1) { return "\(subject) is the negative of the right one" }
    let known = [Facts.Factor("", 2)] + facts.factors.filter { abs($0.value) != 1 }
    func names(_ value: Double) -> String? {
      let fitting = known.filter { matches(value, $0.value) }
      guard let first = fitting.first else { return nil }
      let names = fitting.map(\.name).filter { !$0.isEmpty }.joined(separator: ", or ")
      return short(first.value) + (names.isEmpty ? "" : " (\(names))")
    }
    if let name = names(factor) { return "\(subject) has a factor of \(name) too much" }
    if let name = names(1 / factor) { return "\(subject) lacks a factor of \(name)" }
    // Where four digits would say 1.
    if abs(factor - 1) < 5e-4 {
      return
        "\(subject) is 1 \(factor < 1 ? "−" : "+") \(short(abs(factor - 1))) times the right one"
    }
    return "\(subject) is \(short(factor)) times the right one"
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

  private var lowPrecision: String? {
    let worst = wrong.reduce(0) { max($0, $1.difference) }
    guard worst <= 1e-5 * scale else { return nil }
    return "off by \(short(worst / scale)) of the largest gradient at most: computed in lower "
      + "precision somewhere, or with a rounded constant"
  }

  func short(_ number: Double) -> String { number.formatted(digits: 4) }
}
