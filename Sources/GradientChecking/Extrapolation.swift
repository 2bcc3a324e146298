import RealModule

/// A number and how far the true one may be from it.
public struct Estimate: Hashable, Sendable, Encodable {
  /// The number.
  public var value: Double
  /// The greatest distance to the truth that is to be expected.
  public var error: Double

  /// A number with its error bar.
  public init(value: Double, error: Double) {
    self.value = value
    self.error = error
  }
}

/// A difference quotient as computed with one step.
struct Quotient {
  /// h.
  var step: Double
  /// The quotient.
  var value: Double
  /// How far rounding may have moved it.
  var rounding: Double
}

/// What difference quotients tend to, and how sure that is.
struct Limit {
  /// The derivative.
  var value: Double
  /// What the finite steps may have left, in the units of the derivative.
  var truncation: Double
  /// What rounding may have left, in the units of the derivative.
  var rounding: Double
  /// The steps of the quotients that it was made of.
  var largestStep, smallestStep: Double

  /// How far the true derivative may be.
  var error: Double { truncation + rounding }
}

/// The limit of difference quotients for h → 0; `nil` from fewer than two.
///
/// A quotient with step h is off by a polynomial in h (one-sided) or h² (centred), whose constant
/// term is the derivative. Neville's scheme draws the polynomial through the latest m + 1 quotients
/// and evaluates it at 0:
///
///     T[k,0] = q(h_k)
///     T[k,m] = T[k,m−1] + (T[k,m−1] − T[k−1,m−1]) / ((h_{k−m} / h_k)^power − 1)
///
/// The error of an entry is judged by its distance to the two that it was made of, as Ridders
/// does, plus the rounding that the scheme has passed on to it. The entry with the least error
/// wins, provided that all quotients with smaller steps confirm it: a sequence that only seems to
/// converge, because a kink still lies within its steps, is found out by them, and their
/// disagreement is added to the error.
///
/// Sources: Richardson, "The deferred approach to the limit", 1927; Ridders, "Accurate computation
/// of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4(2), 1982.
///
/// - Parameters:
///   - quotients: in order of decreasing step.
///   - power: 2 for centred quotients, 1 for one-sided ones.
func extrapolate(_ quotients: [Quotient], power: Int) -> Limit? {
  // A row that isn't finite (a logarithm beyond its domain) makes those with larger steps useless.
  let usable = quotients.suffix(while: { $0.value.isFinite })
  guard usable.count >= 2 else { return nil }
  var best: Limit?
  var previous: [Estimate] = []
  for k in usable.indices {
    let row = usable[k]
    // Here `error` is what rounding contributes.
    var entries = [Estimate(value: row.value, error: row.rounding)]
    for m in 1..<max(1, min(previous.count, maximumOrder) + 1) {
      let ratio = Double.pow(usable[k - m].step / row.step, power)
      let (near, far) = (entries[m - 1], previous[m - 1])
      let entry = Estimate(
        value: near.value + (near.value - far.value) / (ratio - 1),
        error: near.error + (near.error + far.error) / (ratio - 1))
      let truncation = max(abs(entry.value - near.value), abs(entry.value - far.value))
      let doubt = disagreement(
        with: entry.value, error: truncation + entry.error, made: row,
        of: usable[(k + 1)...], power: power)
      let limit = Limit(
        value: entry.value, truncation: truncation + doubt, rounding: entry.error,
        largestStep: usable[k - m].step, smallestStep: row.step)
      if limit.error < best?.error ?? .infinity { best = limit }
      entries.append(entry)
    }
    previous = entries
  }
  return best
}

/// The most quotients beyond the first that an entry is made of. Higher orders amplify rounding
/// more than they remove truncation.
private let maximumOrder = 6

/// By how much quotients with smaller steps contradict an estimate of their limit.
///
/// They may be off by the estimate's error, their own rounding, and a truncation that shrinks with
/// the step as the power says, from what it was in the estimate's last row; twice that is allowed.
private func disagreement(
  with value: Double, error: Double, made row: Quotient, of rest: ArraySlice<Quotient>,
  power: Int
) -> Double {
  let truncation = abs(row.value - value)
  var worst = 0.0
  for smaller in rest {
    let shrunk = truncation * .pow(smaller.step / row.step, power)
    let allowed = 2 * (error + smaller.rounding + shrunk)
    worst = max(worst, abs(smaller.value - value) - allowed)
  }
  return worst
}

extension Array {
  /// The longest end of the array all of whose elements satisfy a condition.
  fileprivate func suffix(while condition: (Element) -> Bool) -> Array {
    Array(self[(lastIndex { !condition($0) }.map { $0 + 1 } ?? startIndex)...])
  }
}
