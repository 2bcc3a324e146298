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
}
