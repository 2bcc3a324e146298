import Workbench

/// A solution of exercise `winograd`: a filter with fewer multiplications than the formula has.
public enum Winograd {
  /// Two outputs from four inputs and three taps, in four multiplications.
  public static func f23(_ d: [Counted], _ g: [Counted]) -> [Counted] {
    let m1 = (d[0] - d[2]) * g[0]
    let m2 = (d[1] + d[2]) * (g[0] + g[1] + g[2]).half
    let m3 = (d[2] - d[1]) * (g[0] - g[1] + g[2]).half
    let m4 = (d[1] - d[3]) * g[2]
    return [m1 + m2 + m3, m2 - m3 - m4]
  }

  /// All outputs of a signal: `d.count − 2`. Two at a time by `f23`; where their number is odd, the
  /// last one is computed by the formula.
  public static func filter(_ d: [Counted], _ g: [Counted]) -> [Counted] {
    let count = d.count - 2
    var y: [Counted] = []
    for i in stride(from: 0, to: count - 1, by: 2) {
      y += f23(Array(d[i..<i + 4]), g)
    }
    if count % 2 == 1 {
      y.append(g[0] * d[count - 1] + g[1] * d[count] + g[2] * d[count + 1])
    }
    return y
  }
}
