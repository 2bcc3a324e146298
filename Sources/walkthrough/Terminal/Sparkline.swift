/// A curve of a few characters.
enum Sparkline {
  /// The values as blocks of eight heights, averaged into at most `width` characters.
  ///
  /// - Parameters:
  ///   - values: what to draw; where one is no finite number stands a blank.
  ///   - width: the most characters.
  ///   - range: the values of the lowest and the highest block; the values' own where `nil`.
  static func text(_ values: [Double], width: Int, range: ClosedRange<Double>? = nil) -> String {
    guard !values.isEmpty, width > 0 else { return "" }
    let columns = min(width, values.count)
    let means = (0..<columns).map { column in
      let part = values[column * values.count / columns..<(column + 1) * values.count / columns]
      return part.reduce(0, +) / Double(part.count)
    }
    let finite = means.filter(\.isFinite)
    let lower = range?.lowerBound ?? finite.min() ?? 0
    let upper = range?.upperBound ?? finite.max() ?? 1
    return String(
      means.map { mean in
        guard mean.isFinite else { return " " }
        let share = upper > lower ? (mean - lower) / (upper - lower) : 0
        return blocks[Int((min(max(share, 0), 1) * 7).rounded())]
      })
  }

  private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
}
