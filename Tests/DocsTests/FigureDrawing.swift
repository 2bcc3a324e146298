import Foundation

/// An SVG picture that is readable on light and dark pages.
struct FigureDrawing {
  let width, height: Double
  /// What it shows, for those who can't see it.
  let description: String
  private var body: [String] = []

  init(_ width: Double, _ height: Double, _ description: String) {
    (self.width, self.height, self.description) = (width, height, description)
  }

  /// What a colour stands for; the style sheet has a light and a dark form of each.
  enum Colour: String {
    /// What flows forwards, and numbers in general.
    case ink
    /// A part that the text speaks of, and two more beside it.
    case first, second, third
    case faint
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: Colour = .faint,
    filled: Bool = true
  ) {
    body.append(
      "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\" "
        + "class=\"\(filled ? "fill" : "line") \(colour.rawValue)\"/>")
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, _ anchor: String = "middle", size: Double = 13,
    _ colour: Colour = .ink
  ) {
    let escaped = text.replacingOccurrences(of: "&", with: "&amp;")
      .replacingOccurrences(of: "<", with: "&lt;")
    body.append(
      "<text x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\" font-size=\"\(n(size))\" "
        + "class=\"\(colour.rawValue)\">\(escaped)</text>")
  }

  mutating func line(
    _ points: [(x: Double, y: Double)], _ colour: Colour = .ink, arrow: Bool = false
  ) {
    let list = points.map { "\(n($0.x)),\(n($0.y))" }.joined(separator: " ")
    body.append("<polyline points=\"\(list)\" class=\"line \(colour.rawValue)\"/>")
    guard arrow, points.count > 1 else { return }
    let (a, b) = (points[points.count - 2], points[points.count - 1])
    let angle = atan2(b.y - a.y, b.x - a.x)
    let tips = [2.7, -2.7].map { (x: b.x + 8 * cos(angle + $0), y: b.y + 8 * sin(angle + $0)) }
    line([tips[0], b, tips[1]], colour)
  }

  /// A table of numbers in cells, with its name above.
  ///
  /// - Parameters:
  ///   - colour: the colour of the cell in a row and a column; `nil` leaves it empty.
  mutating func grid(
    _ numbers: [[String]], x: Double, y: Double, cell: Double = 34, title: String = "",
    colour: (_ row: Int, _ column: Int) -> Colour? = { _, _ in nil }
  ) {
    if !title.isEmpty { text(title, x, y - 8, "start", size: 12) }
    for (row, cells) in numbers.enumerated() {
      for (column, number) in cells.enumerated() {
        let (left, top) = (x + Double(column) * cell, y + Double(row) * cell)
        if let colour = colour(row, column) { rectangle(left, top, cell, cell, colour) }
        rectangle(left, top, cell, cell, .ink, filled: false)
        text(number, left + cell / 2, top + cell / 2 + 4.5)
      }
    }
  }

  /// A curve in a frame: `x` and `y` bring values to 0…1.
  mutating func curve(
    _ points: [(Double, Double)], in frame: (x: Double, y: Double, width: Double, height: Double),
    _ colour: Colour
  ) {
    line(
      points.map { (frame.x + $0.0 * frame.width, frame.y + (1 - $0.1) * frame.height) }, colour)
  }

  /// The document. `second` is orange, `third` green, `first` blue.
  func document() -> String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(n(width)) \(n(height))" \
    width="\(n(width))" height="\(n(height))" role="img" font-family="system-ui, sans-serif">
    <title>\(description)</title>
    <style>
    text { fill: #1f2937 } .line { fill: none; stroke: #6b7280; stroke-width: 1.2 }
    .fill { fill: #e5e7eb } .fill.first { fill: #bfdbfe } .fill.second { fill: #fed7aa }
    .fill.third { fill: #bbf7d0 } .line.first { stroke: #2563eb; stroke-width: 2 }
    .line.second { stroke: #c2410c; stroke-width: 2 } .line.third { stroke: #15803d; stroke-width: 2 }
    text.first { fill: #1d4ed8 } text.second { fill: #9a3412 } text.third { fill: #166534 }
    text.faint { fill: #6b7280 } .line.faint { stroke: #d1d5db }
    @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb } .line { stroke: #9ca3af } .fill { fill: #374151 }
    .fill.first { fill: #1e3a8a } .fill.second { fill: #7c2d12 } .fill.third { fill: #14532d }
    .line.first { stroke: #60a5fa } .line.second { stroke: #fb923c } .line.third { stroke: #4ade80 }
    text.first { fill: #93c5fd } text.second { fill: #fdba74 } text.third { fill: #86efac }
    text.faint { fill: #9ca3af } .line.faint { stroke: #4b5563 }
    }
    </style>
    \(body.joined(separator: "\n"))
    </svg>

    """
  }

  private func n(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
  }
}
