/// The part of a page that computes: a place for what `live.js` builds, and its data.
struct LiveSection {
  let page: LivePage

  /// - Throws: `EncodingError` when the data can't be written as JSON.
  func html() throws -> HTML {
    let data = try HTML.json(page)
    return section("live", level: 2, "Run it yourself", class: "live") {
      element("p", ["class": "lead"]) {
        "This page holds all \(Format.grouped(page.parameterCount)) parameters of \(page.name) and runs "
          + "it here, forwards and backwards. Change the picture, a weight, a pixel: everything below "
          + "is computed again at once."
      }
      element("p", ["class": "note live-fallback"]) {
        "This part is drawn by the page's script; without it, everything else is still here."
      }
      element("div", ["id": "live-app", "class": "controls live-app", "hidden": ""])
      element("script", ["type": "application/json", "id": "live-data"]) { data }
    }
  }
}

extension LivePage {
  fileprivate var parameterCount: Int { layers.flatMap(\.parameters).reduce(0, +) }
}
