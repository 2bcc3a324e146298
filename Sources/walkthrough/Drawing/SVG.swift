import Foundation

/// What all SVG charts are written with.
enum SVG {
  /// Colours that stay apart for the colour-blind.
  static let colours = ["#b45309", "#1d6fb8", "#4d7c0f", "#7e22ce"]

  /// A text at a place.
  static func text(
    _ text: String, x: Double, y: Double, anchor: StaticString = "start", size: Int = 11,
    colour: StaticString = "#111827"
  ) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" "
      + "font-size=\"\(size)\" fill=\"\(colour)\">\(Escaping.markup(text))</text>\n"
  }

  /// A coordinate.
  static func number(_ value: Double) -> String { String(format: "%.1f", value) }

  /// A whole document on white, with a title and a line below it.
  static func document(
    title: String, subtitle: String, width: Int, height: Int, left: Int, body: String
  ) -> String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" role="img" \
    font-family="system-ui, sans-serif" font-size="11">
    <title>\(Escaping.markup(title))</title>
    <rect width="100%" height="100%" fill="#ffffff"/>
    \(text(title, x: Double(left), y: 20, size: 15))\
    \(text(subtitle, x: Double(left), y: 38, colour: "#4b5563"))\
    \(body)</svg>

    """
  }
}
