import Workbench

/// Exercise `winograd`: a filter with fewer multiplications than the formula has.
///
///     y[i] = Σ_j g[j] · d[i + j],   a filter g of 3 taps
///
/// Two neighbouring outputs need 6 multiplications by the formula, from d[0] … d[3]:
///
///     y[0] = g[0]·d[0] + g[1]·d[1] + g[2]·d[2]
///     y[1] = g[0]·d[1] + g[1]·d[2] + g[2]·d[3]
///
/// Four are enough. Begin with these two products,
///
///     m₁ = (d[0] − d[2]) · g[0]           m₄ = (d[1] − d[3]) · g[2]
///
/// and find two more, m₂ and m₃, of (d[1] + d[2]) and (d[2] − d[1]), such that
///
///     y[0] = m₁ + m₂ + m₃                 y[1] = m₂ − m₃ − m₄
///
/// Write y[0] − m₁ and y[1] + m₄ out; their sum is 2·m₂ and their difference 2·m₃.
///
/// The numbers count their multiplications. `a + b`, `a − b` and `a.half` are free.
///
/// Replace each `gap` with your code, then run `script/exercise winograd`.
public enum Winograd {
  /// Two outputs from four inputs and three taps, in four multiplications.
  public static func f23(_ d: [Counted], _ g: [Counted]) -> [Counted] {
    gap("two outputs")
    return []
  }

  /// All outputs of a signal: `d.count − 2`. Two at a time by `f23`; where their number is odd, the
  /// last one is computed by the formula.
  public static func filter(_ d: [Counted], _ g: [Counted]) -> [Counted] {
    gap("a signal")
    return []
  }
}
