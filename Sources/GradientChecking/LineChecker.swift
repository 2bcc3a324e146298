import RealModule
import Tensors

/// Compares a claimed derivative with difference quotients along one line after another.
struct LineChecker<F: DifferentiableFunction> {
  var function: F
  let seed: UInt32
  let upstream: [Double]
  /// The outputs at the point.
  private(set) var centre: [Double]
  /// The noise of the outputs while the variable under check moves.
  var noise = NoiseLevel.none
  /// Σ |vⱼ·yⱼ| at the point.
  private let outputSize: Double
  private var below: [Double] = []
  private var above: [Double] = []

  init(_ function: F, seed: UInt32, centre: [Double], upstream: [Double]) {
    self.function = function
    self.seed = seed
    self.centre = centre
    self.upstream = upstream
    outputSize = zip(upstream, centre).reduce(0) { $0 + abs($1.0 * $1.1) }
  }

  /// What is to be checked along a line.
  struct Claim {
    var variable: Int
    var line: Line
    /// The derivative that is claimed.
    var analytic: Double
    /// The size of what it is a part of, by which its rounding is judged.
    var scale: Double
    /// The greatest step.
    var firstStep: Double
    /// Noise of f that is not the outputs' own.
    var extraNoise = 0.0
    /// With how few rows it may be accepted: one is enough for what agrees to within rounding,
    /// two show a kink.
    var fewestRows = 2
  }

  /// Takes as many steps as it needs to accept the claim, or all of them before it refuses it.
  mutating func check(_ claim: Claim) throws -> ElementCheck {
    var mover = Mover(function, claim.variable, claim.line)
    defer { mover.restore(&function) }
    var rows: [StepRow] = []
    var verdict: ElementCheck?
    for step in steps(from: claim.firstStep) {
      rows.append(try row(of: claim, step, &mover))
      guard rows.count >= claim.fewestRows else { continue }
      let current = judge(claim, rows, at: mover.startValue)
      verdict = current.check
      // A claim that fits is believed as soon as more steps would add rounding only; a claim that
      // doesn't is refused for good reasons, after all steps.
      if current.check.passed && current.isSettled { break }
    }
    return verdict ?? judge(claim, rows, at: mover.startValue).check
  }

  /// Halves the step five times, which is where smooth functions converge, then divides it by 8,
  /// to get away from kinks, down to where rounding is all there is.
  private func steps(from first: Double) -> [Double] {
    var steps = (0...5).map { first * .pow(0.5, $0) }
    let least = first * .pow(function.precision, 0.7)
    while let last = steps.last, last / 8 > least { steps.append(last / 8) }
    return steps
  }

  private mutating func row(
    of claim: Claim, _ step: Double, _ mover: inout Mover
  ) throws -> StepRow {
    let up = mover.move(&function, by: step)
    try function.evaluate(into: &above, seed: seed, movedOnly: claim.variable)
    let down = mover.move(&function, by: -step)
    try function.evaluate(into: &below, seed: seed, movedOnly: claim.variable)
    return StepRow(
      below: below, centre: centre, above: above, upstream: upstream, noise: noise,
      steps: (below: -down, above: up), extraNoise: claim.extraNoise)
  }

  private func judge(
    _ claim: Claim, _ rows: [StepRow], at value: Double
  ) -> (check: ElementCheck, isSettled: Bool) {
    let whole = extrapolate(rows.map(\.centredQuotient), power: 2)
    let left = extrapolate(rows.map { $0.sided(\.left) }, power: 1)
    let right = extrapolate(rows.map { $0.sided(\.right) }, power: 1)
    let lower = extrapolate(rows.map { $0.sided(\.lower) }, power: 1)
    let upper = extrapolate(rows.map { $0.sided(\.upper) }, power: 1)
    // The claim itself is rounded: a sum of products whose magnitudes add up to `magnitude`, each
    // with a relative error of a few times the precision, in a tensor of size `scale`.
    let magnitude = rows.map(\.magnitude).filter(\.isFinite).min() ?? 0
    let floor = 32 * function.precision * (magnitude + claim.scale)

    var place = ElementCheck.Place.smooth
    var numeric = Estimate(
      value: rows.last?.centred ?? .nan, error: rows.last.map(\.rounding) ?? .infinity)
    var isSettled = rows.count == 1
    if let whole {
      numeric = Estimate(value: whole.value, error: 2 * whole.error)
      isSettled = whole.truncation <= whole.rounding + floor
      if crossesKink(rows, beyond: whole.largestStep, floor: floor) { place = .nearKink }
    }
    var bar = numeric.error + floor
    if let lower, let upper {
      let gap = upper.value - lower.value
      // A gap that both sides' errors can explain is none; nor is one of a millionth.
      if gap > 4 * (lower.error + upper.error + floor)
        && gap > 1e-6 * max(abs(lower.value), abs(upper.value))
      {
        place = .kink
        bar = 2 * max(lower.error, upper.error) + floor
        isSettled =
          lower.truncation <= lower.rounding + floor && upper.truncation <= upper.rounding + floor
      }
    }
    // A bar is too wide to tell anything when it is a thousandth of the gradient, and for a small
    // gradient, of a tenth of the largest one. Where nothing depends on the element, it is compared
    // with a millionth of the change that would double the outputs.
    let size = max(
      abs(claim.analytic), abs(numeric.value), 0.1 * claim.scale,
      1e-6 * outputSize / claim.firstStep)
    if place != .kink && !(bar <= 1e-3 * size) && bar > floor { place = .undecided }
    let check = ElementCheck(
      position: claim.position, index: claim.index(in: function.variables[claim.variable].shape),
      value: value, analytic: claim.analytic, numeric: numeric.value, bar: bar,
      left: left.map { Estimate(value: $0.value, error: $0.error) },
      right: right.map { Estimate(value: $0.value, error: $0.error) },
      interval: lower.flatMap { low in
        upper.flatMap { low.value <= $0.value ? low.value...$0.value : nil }
      },
      place: place, rows: rows)
    return (check, isSettled)
  }

  /// Whether left and right quotients differ by more than curvature explains, at steps that were
  /// too great to be used. Curvature makes the gap shrink in proportion to the step.
  private func crossesKink(_ rows: [StepRow], beyond used: Double, floor: Double) -> Bool {
    guard let clean = rows.first(where: { $0.step <= used }) else { return false }
    return rows.contains { row in
      guard row.step > used, row.centred.isFinite else { return false }
      let expected = (clean.upper - clean.lower) * row.step / clean.step
      let allowed = 8 * (expected + row.sidedRounding + floor)
      return row.upper - row.lower > allowed + 0.05 * max(abs(row.lower), abs(row.upper))
    }
  }
}

extension LineChecker.Claim {
  var position: Int? {
    if case .element(let position) = line { position } else { nil }
  }

  func index(in shape: Shape) -> [Int] {
    guard var rest = position else { return [] }
    var index: [Int] = []
    for extent in shape.dimensions.reversed() {
      index.append(rest % extent)
      rest /= extent
    }
    return index.reversed()
  }
}

extension LineChecker {
  /// Measures the noise that the checks of a variable have to reckon with.
  mutating func prepare(for variable: Int, using generator: inout SplitMix64) throws {
    // The function may keep what doesn't depend on the variable: it has to be that of the point.
    try function.evaluate(into: &centre, seed: seed, movedOnly: nil)
    noise = try NoiseLevel(
      of: &function, movingVariable: variable, outputs: centre, seed: seed, using: &generator)
  }
}
