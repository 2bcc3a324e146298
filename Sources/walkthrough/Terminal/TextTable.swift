/// Rows of cells in columns as wide as their widest cell: text on the left, numbers on the right.
///
/// A table that is wider than the terminal has its columns of text broken into lines; where that isn't
/// enough, it becomes a list: a paragraph for each row.
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
      if rest.lines(in: .max).allSatisfy({ $0.count <= width }) { break }
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

  /// The narrowest that a column of text is made.
  private static let leastText = 14

  /// The table as lines. Control characters in cells, which may come from files, are shown as signs.
  ///
  /// - Parameter room: how wide a line may be.
  func lines(in room: Int = Terminal.tableRoom) -> [String] {
    let header = header.map(Escaping.visible)
    let rows = rows.map { $0.map(Escaping.visible) }
    let totals = totals.map { $0.map(Escaping.visible) }
    var widths = header.indices.map { column in
      ([header] + rows + totals).map { $0[column].count }.max() ?? 0
    }
    func gap(_ column: Int) -> Int { column == 0 ? 0 : attached.contains(column) ? 1 : 2 }
    func width() -> Int { widths.indices.reduce(0) { $0 + widths[$1] + gap($1) } }
    // The widest column of text gives way, again and again.
    while width() > room {
      let widest = widths.indices.filter { isText($0) && widths[$0] > Self.leastText }
        .max { widths[$0] < widths[$1] }
      guard let widest else { return list(in: room) }
      widths[widest] -= 1
    }
    func line(_ cells: [String]) -> [String] {
      let parts = cells.indices.map { Terminal.broken(cells[$0], at: widths[$0]) }
      return (0..<max(parts.map(\.count).max() ?? 0, 1)).map { number in
        var text = ""
        for column in cells.indices {
          let part = parts[column]
          text += String(repeating: " ", count: gap(column))
          text += Format.padded(
            number < part.count ? part[number] : "", widths[column], left: !isText(column))
        }
        while text.last == " " { text.removeLast() }
        return text
      }
    }
    let rule = line(widths.map { String(repeating: "─", count: $0) })
    return line(header) + rule + rows.flatMap(line)
      + (totals.isEmpty ? [] : rule + totals.flatMap(line))
  }

  private func isText(_ column: Int) -> Bool {
    column < textColumns || endsWithText && column == header.count - 1
  }

  /// A paragraph for each row: its first cell, and below it the others with their titles.
  private func list(in room: Int) -> [String] {
    let attachedTo = header.indices.filter { !attached.contains($0) }
    let paragraphs = (rows + totals).map { cells in
      let fields = attachedTo.dropFirst().compactMap { column -> String? in
        // What belongs to a cell stands with it.
        var end = column + 1
        while attached.contains(end) { end += 1 }
        let value = cells[column..<end].filter { !$0.isEmpty }.joined(separator: " ")
        return value.isEmpty ? nil : header[column].isEmpty ? value : "\(header[column]) \(value)"
      }
      var first = 1
      while attached.contains(first) { first += 1 }
      return [cells[..<first].filter { !$0.isEmpty }.joined(separator: " ")]
        + Terminal.broken(fields.joined(separator: ", "), at: room - 2).map { "  " + $0 }
    }
    return Array(paragraphs.joined())
  }
}
