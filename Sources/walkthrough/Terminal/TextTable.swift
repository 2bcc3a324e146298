/// Rows of cells in columns as wide as their widest cell: text on the left, numbers on the right.
struct TextTable {
  /// The titles of the columns.
  var header: [String]
  /// How many columns, counted from the first, hold text and not numbers.
  var textColumns = 1
  /// Whether the last column holds text, too.
  var endsWithText = false
  /// The columns that belong to the one before: a single space stands between.
  var attached: Set<Int> = []
  /// The rows, each with as many cells as the header.
  var rows: [[String]] = []
  /// Rows below a second rule.
  var totals: [[String]] = []

  /// Leaves columns out, in this order, until the table fits into a window; all that may go where even
  /// that is too wide.
  mutating func fit(_ width: Int?, leavingOut columns: [Int]) {
    guard let width else { return }
    var left: Set<Int> = []
    for column in columns {
      var rest = self
      rest.remove(left)
      if rest.lines().allSatisfy({ $0.count <= width }) { break }
      left.insert(column)
    }
    remove(left)
  }

  private mutating func remove(_ columns: Set<Int>) {
    func rest(_ cells: [String]) -> [String] {
      cells.indices.filter { !columns.contains($0) }.map { cells[$0] }
    }
    textColumns -= columns.count { $0 < textColumns }
    (header, rows, totals) = (rest(header), rows.map(rest), totals.map(rest))
  }

  /// The table as lines. Control characters in cells, which may come from files, are shown as signs.
  func lines() -> [String] {
    let header = header.map(Escaping.visible)
    let rows = rows.map { $0.map(Escaping.visible) }
    let totals = totals.map { $0.map(Escaping.visible) }
    let widths = header.indices.map { column in
      ([header] + rows + totals).map { $0[column].count }.max() ?? 0
    }
    func isText(_ column: Int) -> Bool {
      column < textColumns || endsWithText && column == header.count - 1
    }
    func line(_ cells: [String]) -> String {
      var text = ""
      for column in cells.indices {
        text += column == 0 ? "" : attached.contains(column) ? " " : "  "
        text += Format.padded(cells[column], widths[column], left: !isText(column))
      }
      while text.last == " " { text.removeLast() }
      return text
    }
    let rule = line(widths.map { String(repeating: "─", count: $0) })
    return [line(header), rule] + rows.map(line)
      + (totals.isEmpty ? [] : [rule] + totals.map(line))
  }
}
