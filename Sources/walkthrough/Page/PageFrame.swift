/// A self-contained document: style sheet, script and data are inside, and its content security
/// policy forbids everything else, see `ContentPolicy`.
struct PageFrame {
  var title: String
  var description: String
  /// The links of the side bar.
  var contents: HTML
  var main: HTML
  /// What the script works on.
  var data: PageData

  /// The whole file.
  ///
  /// - Throws: `ContentPolicyError` when no hash can be computed, `EncodingError` when the data can't
  ///   be written as JSON.
  func document() throws -> String {
    let style = PageStyle.code(shares: contents.shares.union(main.shares))
    let policy = try ContentPolicy(style: style, script: Self.script)
    let data = try HTML.json(data, isRounded: data.isDeterministic)
    let page = element("html", ["lang": "en"]) {
      element("head") {
        element("meta", ["charset": "utf-8"])
        element("meta", ["http-equiv": "Content-Security-Policy", "content": policy.text])
        element(
          "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        element("meta", ["name": "color-scheme", "content": "light dark"])
        element("meta", ["name": "description", "content": description])
        element("title") { title }
        // An icon of its own, or browsers ask for one.
        element("link", ["rel": "icon", "href": "data:,"])
        element("style") { HTML.code(style) }
      }
      element("body") {
        element("a", ["class": "skip", "href": "#main"]) { "Skip to the content" }
        element("div", ["class": "frame"]) {
          element("nav", ["class": "contents", "aria-label": "Contents"]) { contents }
          element("main", ["id": "main", "tabindex": "-1"]) { main }
        }
        element("script", ["type": "application/json", "id": "data"]) { data }
        element("script") { HTML.code(Self.script) }
      }
    }
    return "<!doctype html>\n" + page.markup + "\n"
  }

  // Embedded into the binary, so that it writes the same page wherever it is moved.
  static let script = OwnCode(
    PackageResources.page_js, PackageResources.sliding_js, PackageResources.shapes_js,
    PackageResources.groups_js, PackageResources.lrn_js, PackageResources.network_js,
    PackageResources.elements_js, PackageResources.picture_js, PackageResources.inside_js,
    PackageResources.value_js, PackageResources.nudge_js, PackageResources.dependence_js,
    PackageResources.learning_js, PackageResources.live_js)
}

/// A number for SVG: at most two decimals.
func decimal(_ number: Double) -> String {
  guard number.isFinite else { return "0" }
  let rounded = (number * 100).rounded() / 100
  return rounded == rounded.rounded() && abs(rounded) < 1e15
    ? String(Int(rounded)) : String(rounded)
}
