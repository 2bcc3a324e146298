import RealModule
import Tensors

extension LineChecker {
  /// A verdict, whether more steps would add nothing but rounding, and the least step that the
  /// estimate was made of.
  typealias Judgement = (check: ElementCheck, isSettled: Bool, leastStep: Double)

  func judge(_ claim: Claim, _ rows: [StepRow], at value: Double) -> Judgement {
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
    var isSettled = false
    if let whole {
      isSettled = whole.truncation <= whole.rounding + floor
      // What is left of truncation is well known once it is lost in rounding. A sequence that never
      // gets there, because kinks are everywhere, says less about its own error.
      numeric = Estimate(
        value: whole.value, error: 2 * whole.rounding + (isSettled ? 2 : 6) * whole.truncation)
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
    // gradient, of a tenth of the largest one. Where the claim is 0, or nothing but rounding, the bar is
    // compared with what counts as no change.
    bar += claim.roundingOfZero
    let size = max(abs(claim.analytic), abs(numeric.value), 0.1 * claim.scale)
    let isZero = claim.scale == 0 || claim.roundingOfZero > 0
    let flat = isZero ? leastChange / claim.firstStep : 0
    if place != .kink && !(bar <= max(1e-3 * size, flat)) && bar > floor { place = .undecided }
    if claim.roundingOfZero > 0 && place != .kink && place != .undecided
      && abs(claim.analytic) <= bar && abs(numeric.value) <= bar
    {
      place = .zero
    }
    let check = ElementCheck(
      position: claim.position, index: claim.index(in: function.variables[claim.variable].shape),
      value: value, analytic: claim.analytic, numeric: numeric.value, bar: bar,
      left: left.map { Estimate(value: $0.value, error: $0.error) },
      right: right.map { Estimate(value: $0.value, error: $0.error) },
      interval: lower.flatMap { low in
        upper.flatMap { low.value <= $0.value ? low.value...$0.value : nil }
      },
      place: place, rows: rows)
    return (check, isSettled, whole?.smallestStep ?? claim.firstStep)
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
