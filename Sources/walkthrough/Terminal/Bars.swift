/// Numbers as bars in characters.
enum Bars {
  private static let heights = Array(" ▁▂▃▄▅▆▇█")
  private static let plainHeights = Array(" .:-=+*#@")
  private static let eighths = Array(" ▏▎▍▌▋▊▉")

  /// How often something occurs, a bar a count, the highest filling its character. What occurs at
  /// all is seen: no bar of a count above 0 is empty.
  static func sparkline(_ counts: [Int], colours: Terminal.Colours) -> String {
    let heights = colours == .none ? plainHeights : heights
    let most = max(counts.max() ?? 0, 1)
    return String(
      counts.map { count in
        heights[count == 0 ? 0 : max(1, Int((Double(count) / Double(most) * 8).rounded()))]
      })
  }

  /// A bar of a share of the room, in eighths of a character; without colours in whole ones.
  static func horizontal(_ share: Double, room: Int, colours: Terminal.Colours) -> String {
    let length = min(max(share.isFinite ? share : 0, 0), 1) * Double(room)
    guard colours != .none else {
      return String(repeating: "#", count: max(1, Int(length.rounded())))
    }
    let parts = max(1, Int((length * 8).rounded()))
    return String(repeating: "█", count: parts / 8)
      + (parts % 8 == 0 ? "" : String(eighths[parts % 8]))
  }

  /// How far something has come: the first of `length` characters filled.
  static func gauge(_ filled: Int, of length: Int) -> String {
    String(repeating: "█", count: filled) + String(repeating: "░", count: length - filled)
  }

  /// A curve of a few characters: the values as blocks of eight heights, averaged into at most `width`
  /// characters.
  ///
  /// - Parameters:
  ///   - values: what to draw; where one is no finite number stands a blank.
  ///   - width: the most characters.
  ///   - range: the values of the lowest and the highest block; the values' own where `nil`.
  static func curve(
    _ values: [Double], width: Int, range: ClosedRange<Double>? = nil
  ) -> String {
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
        return heights[1 + Int((min(max(share, 0), 1) * 7).rounded())]
      })
  }
}
