/// A piece of HTML or SVG. Text and attribute values are escaped on their way in, and nothing else
/// gets in but the program's own code: names of elements and attributes are literals. So no number,
/// name or line of code can break a page.
///
///     element("p", ["class": "note"]) { "3 < 4"; element("b") { "true" } }
struct HTML {
  fileprivate(set) var markup = ""
  /// The shares that elements in it ask for, in thousandths.
  fileprivate(set) var shares: Set<Int> = []

  /// Text, escaped.
  init(_ text: String) {
    markup = Escaping.markup(text)
  }

  fileprivate init(markup: String, shares: Set<Int> = []) {
    self.markup = markup
    self.shares = shares
  }

  /// Pieces one after the other.
  init(_ pieces: [HTML]) {
    markup = pieces.map(\.markup).joined()
    for piece in pieces where !piece.shares.isEmpty { shares.formUnion(piece.shares) }
  }

  /// The program's own style sheet or script, as it is: a browser decodes nothing in it.
  static func code(_ code: OwnCode) -> HTML {
    HTML(markup: code.text)
  }

  /// A chart as it is drawn for a file, too.
  static func drawing(_ chart: SVGCurves, width: Int) -> HTML {
    HTML(markup: chart.drawn(width: width))
  }

  /// A value for the page's script, as JSON.
  static func json(_ value: some Encodable, isRounded: Bool = false) throws -> HTML {
    let text = try JSON.compact(value)
    return HTML(markup: Escaping.json(isRounded ? Determinism.rounded(json: text) : text))
  }
}

/// Elements that have no content and no end tag.
private let voidElements: Set = ["br", "hr", "img", "input", "link", "meta"]

/// An element with attributes, those that are `nil` left out, and content.
///
/// - Parameter share: from 0 to 1, what the style sheet finds as `var(--share)`; to a thousandth. The
///   page's policy refuses `style` attributes, whoever wrote them.
func element(
  _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:],
  share: Double? = nil, @HTMLBuilder _ content: () -> HTML = { HTML([]) }
) -> HTML {
  let name = name.description
  var markup = "<" + name
  for (name, value) in attributes {
    guard let value else { continue }
    markup += value.isEmpty ? " \(name)" : " \(name)=\"\(Escaping.markup(value))\""
  }
  var shares: Set<Int> = []
  if let share {
    let thousandths = PageStyle.thousandths(share)
    markup += " \(PageStyle.attribute)=\"\(thousandths)\""
    shares.insert(thousandths)
  }
  markup += ">"
  if !voidElements.contains(name) {
    let content = content()
    markup += content.markup + "</\(name)>"
    shares.formUnion(content.shares)
  }
  return HTML(markup: markup, shares: shares)
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
  let heading: StaticString =
    switch level {
    case ...2: "h2"
    case 3: "h3"
    default: "h4"
    }
  return element(
    "section",
    ["id": id, "class": style, "aria-labelledby": level < 4 ? id + "-title" : nil]
  ) {
    element(heading, ["id": id + "-title"]) { title }
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
