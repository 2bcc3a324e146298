import Foundation

/// How much longer a network takes to learn with one bend than with another, each at the rate that suits it
/// best: over several seeds, with a test of chance.
///
/// What is counted, what is compared and what is believed was written down before the first run:
///
/// - Counted are the iterations until the mean loss of the last 20 batches is at most half of what guessing
///   has. A run that doesn't come there counts as one iteration more than it had.
/// - The rate that suits a bend best has the least sum of logarithms of these counts over the seeds.
/// - Compared is Σ ln(slow/fast) over the seeds, at the best rates.
/// - The chance of it is the share of all 2ˢ ways to exchange the bends within seeds, the choice of rates
///   done anew for each, that make it as large or larger: an exact permutation test, one-sided. At most 1 in
///   20 is believed.
struct BendComparison {
  /// For each seed, and each rate: the iterations that it took.
  let fast: [[Int]]
  /// The same for the bend that is expected to be slower.
  let slow: [[Int]]

  /// The rate, by its number, that suits a bend best.
  static func best(_ counts: [[Int]]) -> Int {
    let rates = 0..<(counts.map(\.count).min() ?? 0)
    return rates.min { total(counts, $0) < total(counts, $1) } ?? 0
  }

  private static func total(_ counts: [[Int]], _ rate: Int) -> Double {
    counts.reduce(0) { $0 + log(Double(max($1[rate], 1))) }
  }

  /// How many times as long the slow one takes, seed by seed, each at its best rate.
  var ratios: [Double] { Self.ratios(fast, slow) }

  private static func ratios(_ fast: [[Int]], _ slow: [[Int]]) -> [Double] {
    let (a, b) = (best(fast), best(slow))
    return zip(fast, slow).map { Double(max($1[b], 1)) / Double(max($0[a], 1)) }
  }

  /// The median of the ratios.
  var median: Double {
    let sorted = ratios.sorted()
    guard !sorted.isEmpty else { return 1 }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// How often chance makes as large a difference: between 1/2ˢ and 1.
  var chance: Double {
    func statistic(_ fast: [[Int]], _ slow: [[Int]]) -> Double {
      Self.ratios(fast, slow).reduce(0) { $0 + log($1) }
    }
    let observed = statistic(fast, slow)
    let deals = 1 << fast.count
    let asLarge = (0..<deals).count { deal in
      let pairs = zip(fast, slow).enumerated().map { seed, pair in
        deal >> seed & 1 == 0 ? pair : (pair.1, pair.0)
      }
      // Equal ones differ by rounding.
      return statistic(pairs.map(\.0), pairs.map(\.1)) >= observed - 1e-9
    }
    return Double(asLarge) / Double(deals)
  }

  /// The largest chance that is believed to be none.
  static let level = 0.05

  /// What was found, and whether it is what the paper leads to expect.
  ///
  /// - Parameters:
  ///   - names: those of the two bends.
  ///   - rates: the rates.
  ///   - goal: the loss that was to be reached.
  func findings(_ names: (fast: String, slow: String), rates: [Float], goal: Double)
    -> [LessonFinding]
  {
    func text(_ name: String, _ counts: [[Int]]) -> String {
      let best = Self.best(counts)
      let sums = rates.indices.map { rate in
        "\(rates[rate]): \(counts.map { String($0[rate]) }.joined(separator: ", "))"
      }
      return "\(name) took \(sums.joined(separator: "; ")). Its best rate is \(rates[best])."
    }
    let (least, most) = (ratios.min() ?? 1, ratios.max() ?? 1)
    func number(_ value: Double) -> String { String(format: "%.2f", value) }
    // The median of all seeds is below the least of s, or above the most, in 2 of 2ˢ samples.
    let coverage = 1 - 2 / Double(1 << ratios.count)
    return [
      LessonFinding(
        measurement:
          "Iterations until the mean loss of \(LessonOutcome.window) batches was at most "
          + "\(String(format: "%.3f", goal)), by learning rate, for each seed. "
          + text(names.fast, fast) + " " + text(names.slow, slow)),
      LessonFinding(
        measurement:
          "At its best rate \(names.slow) took \(number(median)) times as many iterations "
          + "as \(names.fast) in the median, \(number(least)) times at least and \(number(most)) at "
          + "most (\(Format.percent(coverage)) interval of the median). Were there no difference, "
          + "exchanging the two within seeds would make as large a one in \(Format.percent(chance)) of "
          + "the cases. The rule is to believe it at \(Format.percent(Self.level)) or less. The paper "
          + "found six times, on other pictures.",
        isExpected: chance <= Self.level),
    ]
  }
}
