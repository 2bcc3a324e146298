/// A piece of HTML or SVG. Text and attribute values are escaped on their way in, so that no
/// number, name or line of code can break a page.
///
///     element("p", ["class": "note"]) { "3 < 4"; element("b") { "true" } }
struct HTML {
  fileprivate(set) var markup = ""

  /// Text, escaped.
  init(_ text: String) {
    markup = text.escaped
  }

  fileprivate init(markup: String) {
    self.markup = markup
  }

  /// Pieces one after the other.
  init(_ pieces: [HTML]) {
    markup = pieces.map(\.markup).joined()
  }

  /// The content of the page's own style sheet or script, which isn't escaped.
  ///
  /// - Parameter code: must not hold `</`, which would end the element.
  static func code(_ code: String) -> HTML {
    HTML(markup: code.replacing("</", with: "<\\/"))
  }

  /// A drawing that this program wrote itself as a document of SVG.
  static func drawing(_ document: String) -> HTML {
    HTML(markup: document)
  }

  /// JSON for the page's script.
  static func json(_ text: String) -> HTML {
    HTML(markup: text.replacing("<", with: "\\u003c"))
  }
}

/// Elements that have no content and no end tag.
private let voidElements: Set = ["br", "hr", "img", "input", "link", "meta"]

/// An element with attributes, those that are `nil` left out, and content.
func element(
  _ name: String, _ attributes: KeyValuePairs<String, String?> = [:],
  @HTMLBuilder _ content: () -> HTML = { HTML([]) }
) -> HTML {
  var markup = "<" + name
  for (name, value) in attributes {
    guard let value else { continue }
    markup += value.isEmpty ? " \(name)" : " \(name)=\"\(value.escaped)\""
  }
  markup += ">"
  return HTML(
    markup: voidElements.contains(name) ? markup : markup + content().markup + "</\(name)>")
}

extension String {
  fileprivate var escaped: String {
    guard utf8.contains(where: { [0x22, 0x26, 0x3C, 0x3E].contains($0) }) else { return self }
    return replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}

/// Collects strings and pieces of HTML.
@resultBuilder
enum HTMLBuilder {
  static func buildExpression(_ text: String) -> HTML { HTML(text) }
  static func buildExpression(_ html: HTML) -> HTML { html }
  static func buildExpression(_ html: HTML?) -> HTML { html ?? HTML([]) }
  static func buildExpression(_ pieces: [HTML]) -> HTML { HTML(pieces) }
  static func buildBlock(_ pieces: HTML...) -> HTML { HTML(pieces) }
  static func buildOptional(_ html: HTML?) -> HTML { html ?? HTML([]) }
  static func buildEither(first html: HTML) -> HTML { html }
  static func buildEither(second html: HTML) -> HTML { html }
  static func buildArray(_ pieces: [HTML]) -> HTML { HTML(pieces) }
}

// MARK: - Frequent combinations

/// A section with a heading. The greater ones get its name too, which makes them landmarks; were all
/// of them, nobody could find a way by landmarks.
func section(
  _ id: String, level: Int, _ title: String, class style: String? = nil,
  @HTMLBuilder _ content: () -> HTML
) -> HTML {
  element(
    "section",
    ["id": id, "class": style, "aria-labelledby": level < 4 ? id + "-title" : nil]
  ) {
    element("h\(level)", ["id": id + "-title"]) { title }
    content()
  }
}

/// A table with a caption, a header for each column, and one for each row in its first cell. It
/// scrolls by itself where the window is narrow.
func table(
  caption: String, header: [String], rows: [[String]], textColumns: Int = 1,
  class style: String? = nil
) -> HTML {
  // Sentences may be broken, all else stays on a line.
  let longest = header.indices.map { column in
    rows.map { $0.dropFirst(column).first?.count ?? 0 }.max() ?? 0
  }
  func cellClass(_ column: Int) -> String? {
    column >= textColumns ? "number" : longest[column] > 24 ? "sentence" : nil
  }
  return element(
    "div", ["class": "scroll", "tabindex": "0", "role": "group", "aria-label": caption]
  ) {
    element("table", ["class": style]) {
      element("caption") { caption }
      element("thead") {
        element("tr") {
          for (column, title) in header.enumerated() {
            element("th", ["scope": "col", "class": cellClass(column)]) { title }
          }
        }
      }
      element("tbody") {
        for row in rows {
          element("tr") {
            for (column, cell) in row.enumerated() {
              if column == 0 {
                element("th", ["scope": "row"]) { cell }
              } else {
                element("td", ["class": cellClass(column)]) { cell }
              }
            }
          }
        }
      }
    }
  }
}
