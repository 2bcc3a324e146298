/// Rows of cells in columns as wide as their widest cell: the first on the left, numbers on the
/// right.
struct TextTable {
  /// The titles of the columns.
  var header: [String]
  /// How many columns, counted from the first, hold text and not numbers.
  var textColumns = 1
  /// The rows, each with as many cells as the header.
  var rows: [[String]] = []
  /// Rows below a second rule.
  var totals: [[String]] = []

  /// The table as lines.
  func lines() -> [String] {
    let widths = header.indices.map { column in
      ([header] + rows + totals).map { $0[column].count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { column in
        Format.padded(cells[column], widths[column], left: column >= textColumns)
      }
      var text = padded.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text
    }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    return [line(header), rule] + rows.map(line)
      + (totals.isEmpty ? [] : [rule] + totals.map(line))
  }
}
