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
  let outputSize: Double
  private var ladders = (elements: StepLadder(), directions: StepLadder())
  /// Where the steps come from that are no fixed fraction of the first one.
  private var generator: SplitMix64
  private var below: [Double] = []
  private var above: [Double] = []

  init(_ function: F, seed: UInt32, centre: [Double], upstream: [Double]) {
    self.function = function
    self.seed = seed
    self.centre = centre
    self.upstream = upstream
    generator = SplitMix64(seed: UInt64(seed) ^ 0x57E9_5EED)
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
    /// How far rounding may have moved the claim away from 0, where the claim is nothing but rounding;
    /// 0 where it is more than that.
    var roundingOfZero = 0.0
    /// Whether it is accepted at once if a single one-sided quotient agrees to within rounding.
    var isEconomical: Bool
  }

  /// Takes as many steps as it needs to accept the claim, or all of them before it refuses it.
  mutating func check(_ claim: Claim) throws -> ElementCheck {
    var mover = Mover(function, claim.variable, claim.line)
    defer { mover.restore(&function) }
    if claim.isEconomical, let agreement = try firstAgreement(claim, &mover) { return agreement }
    var rows: [StepRow] = []
    var verdict: ElementCheck?
    for step in steps(from: claim.firstStep) {
      rows.append(try row(of: claim, step, &mover))
      guard rows.count >= 2 else { continue }
      var current = judge(claim, rows, at: mover.startValue)
      if rows.count == 2 { current = try withGreaterSteps(claim, &rows, current, &mover) }
      current = try withControls(claim, &rows, current, &mover)
      verdict = current.check
      // A claim that fits is believed as soon as more steps would add rounding only; a claim that
      // doesn't is refused for good reasons, after all steps.
      if current.check.passed && current.isSettled { break }
    }
    return verdict ?? judge(claim, rows, at: mover.startValue).check
  }

  /// A one-sided quotient that agrees with the claim to within rounding, if one is found soon.
  ///
  /// It costs one evaluation. The bar has to be narrow beside the claim itself: beside a much greater
  /// gradient of the same tensor, rounding may be as large as the claim.
  private mutating func firstAgreement(
    _ claim: Claim, _ mover: inout Mover
  ) throws -> ElementCheck? {
    let floor = 32 * function.precision * (abs(claim.analytic) + claim.scale)
    let ladder = claim.position == nil ? \Self.ladders.directions : \Self.ladders.elements
    let fraction = randomFraction()
    for rung in self[keyPath: ladder].order {
      let step = fraction * claim.firstStep * self[keyPath: ladder].factor(rung)
      let distance = mover.move(&function, by: step)
      try function.evaluate(into: &above, seed: seed, movedOnly: claim.variable)
      let row = StepRow(
        below: centre, centre: centre, above: above, upstream: upstream, noise: noise,
        steps: (below: distance, above: distance), extraNoise: claim.extraNoise)
      let bar = row.sidedRounding + floor
      // Smaller steps have wider bars. This one has to be narrow enough to mean something; what doesn't
      // move at all, and is claimed not to, needs no bar.
      let isStill = row.right == 0 && claim.analytic == 0
      let size = max(abs(claim.analytic), claim.position == nil ? 0.1 * claim.scale : 0)
      guard isStill || bar <= 1e-4 * size else { return nil }
      let agrees = abs(row.right - claim.analytic) <= bar
      self[keyPath: ladder].note(rung, isHit: agrees)
      if agrees {
        return ElementCheck(
          position: claim.position,
          index: claim.index(in: function.variables[claim.variable].shape),
          value: mover.startValue, analytic: claim.analytic, numeric: row.right, bar: bar,
          left: nil, right: Estimate(value: row.right, error: row.sidedRounding), interval: nil,
          place: .smooth, rows: [])
      }
    }
    return nil
  }

  /// Where rounding hides the derivative, as it does beside large outputs, greater steps bring it
  /// out, as long as the function stays straight.
  private mutating func withGreaterSteps(
    _ claim: Claim, _ rows: inout [StepRow], _ first: Judgement, _ mover: inout Mover
  ) throws -> Judgement {
    var best = first
    let size = max(abs(claim.analytic), 0.1 * claim.scale)
    for _ in 0..<8 {
      guard best.isSettled, best.check.bar > 1e-6 * size, let greatest = rows.first else { break }
      let more = [try row(of: claim, 8 * greatest.step, &mover)] + rows
      let judgement = judge(claim, more, at: mover.startValue)
      guard judgement.isSettled, judgement.check.bar < best.check.bar else { break }
      (best, rows) = (judgement, more)
    }
    return best
  }

  /// Before a claim is believed, one more quotient with a step that is no fixed fraction of the others.
  ///
  /// The other steps are powers of two times the first one, so all points lie on one grid. A function
  /// that repeats itself from point to point, such as a rounded one, looks straight on a grid (this is
  /// aliasing). At a distance drawn at random, no function but a straight one does so. The step is a
  /// little less than the least one that the estimate was made of, because no more truncation is left
  /// there. Where the control makes another estimate the best one, that one needs a control as well.
  private mutating func withControls(
    _ claim: Claim, _ rows: inout [StepRow], _ settled: Judgement, _ mover: inout Mover
  ) throws -> Judgement {
    var current = settled
    var controls: [Double] = []
    while current.check.passed && current.isSettled {
      let least = current.leastStep
      if controls.contains(where: { (0.5 * least...least).contains($0) }) { break }
      let control = try row(of: claim, randomFraction() * least, &mover)
      controls.append(control.step)
      rows.insert(control, at: rows.firstIndex { $0.step < control.step } ?? rows.endIndex)
      current = judge(claim, rows, at: mover.startValue)
    }
    return current
  }

  /// Less than 1, and more than the ½ by which steps shrink; far enough from either for the quotients of
  /// neighbouring steps to differ.
  private mutating func randomFraction() -> Double { .random(in: 0.6..<0.8, using: &generator) }

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
}

extension LineChecker.Claim {
  /// Whether it moves f by no more than some number over the first step.
  func couldBeRounding(_ most: Double) -> Bool { abs(analytic) * firstStep <= most }

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
    // Elements differ from variable to variable; directions, in which all elements move, less so.
    ladders.elements = StepLadder()
    noise = try NoiseLevel(
      of: &function, movingVariable: variable, outputs: centre, seed: seed, using: &generator)
  }

  /// The change of f over the first step that counts as none where a gradient is said to be 0: a
  /// millionth of the outputs, or a hundred times the precision.
  var leastChange: Double { max(1e-6, 100 * function.precision) * outputSize }

  /// How far rounding may have moved each of some claims away from 0; 0 for a claim that is more than
  /// rounding.
  ///
  /// The gradient of a bias before a normalisation is 0, because the normalisation subtracts the mean.
  /// Computed, it is a sum of terms that cancel but for their rounding, some 10⁻¹⁶ of them. How large
  /// the terms were can't be seen from outside. But rounding changes when the point and the upstream
  /// gradient move by a billionth, and a gradient that is more than rounding stays what it is: where
  /// the changes are as large as the claim itself, it is nothing but rounding.
  ///
  /// - Complexity: 32 gradients of the function.
  mutating func roundingOfZero(
    in claims: [Claim], using generator: inout SplitMix64
  ) throws -> [Double] {
    guard let variable = claims.first?.variable else { return [] }
    let steps = upstream.map { v in
      v == 0 ? 0 : abs(v) * .pow(function.precision, 0.6) * .random(in: -1...1, using: &generator)
    }
    var moved = upstream
    let deviations = try NoiseLevel.deviations(
      of: &function, movingVariable: variable, count: claims.count, directions: 4, isExact: false,
      using: &generator
    ) { [seed] function, values in
      let gradient = try function.gradients(upstream: moved, seed: seed)[variable]
      values = claims.map { $0.line.derivative(gradient) }
      for j in moved.indices { moved[j] += steps[j] }
    }
    // Each deviation is that of 20 differences, of which neighbours share numbers, and may be too small
    // by chance. Where all claims of a kind together are nothing but rounding, their mean is safer.
    let elements = claims.indices.filter { claims[$0].position != nil }
    let directions = claims.indices.filter { claims[$0].position == nil }
    var least = claims.map { _ in 0.0 }
    for kind in [elements, directions] {
      let mean = rootMeanSquare(kind.map { deviations[$0] })
      guard rootMeanSquare(kind.map { claims[$0].analytic }) <= 10 * mean else { continue }
      for i in kind { least[i] = mean }
    }
    return claims.indices.map { i in
      // Five deviations, doubled for what so few differences have missed, and again because the claim
      // is rounded as well. What moves by more than rounding, as at a jump, is no excuse.
      let rounding = 20 * max(deviations[i], least[i])
      let isRounding =
        claims[i].couldBeRounding(leastChange) && rounding * claims[i].firstStep <= leastChange
      return isRounding && abs(claims[i].analytic) <= rounding ? rounding : 0
    }
  }
}
