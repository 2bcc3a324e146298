/// Where the parameters, the work and the time are.
struct TotalsSection {
  let report: TourReport

  /// Bars by type of layer, and the table with the same numbers.
  func html() -> HTML {
    let types = report.totals.types
    let layers = report.layers
    let versions = report.totals.versions.map(\.version)
    let bars =
      [
        ("Parameters", types.map { Double($0.parameters) }, Format.grouped(report.parameters)),
        ("Multiply-accumulates", types.map { Double($0.macs) }, Format.grouped(report.macs)),
      ] + versions.map { version in time("Time, \(version.rawValue)", types, version) }
    return section("totals", level: 2, "Where everything is", class: "totals") {
      element("p", ["class": "lead"]) { sentence }
      for bar in bars.compactMap({ $0 }) { stacked(bar.0, bar.1, bar.2) }
      table(
        caption: "By type of layer",
        header: [
          "type", "layers", "parameters", "share", "MACs", "share",
        ] + versions.map(\.rawValue),
        rows: types.map { share in
          [
            share.type, String(share.layers), Format.grouped(share.parameters),
            Format.percent(share.parameterShare), Format.grouped(share.macs),
            Format.percent(share.macShare),
          ] + versions.map { seconds(share.seconds[$0]) }
        })
      table(
        caption: "By layer",
        header: ["layer", "type", "output", "parameters", "MACs"] + versions.map(\.rawValue),
        rows: layers.map { layer in
          [
            layer.name, layer.type, Format.extents(layer.output),
            Format.grouped(layer.parameters.total), Format.grouped(layer.macs),
          ] + versions.map { seconds(layer.versions[$0]?.seconds) }
        }, textColumns: 3)
      element("p", ["class": "note"]) {
        "Times are those of this one run with one image, forwards and backwards; "
          + "walkthrough compare measures them with care. Outputs take "
          + "\(Format.bytes(report.totals.outputBytes)), parameters "
          + "\(Format.bytes(report.totals.parameterBytes))."
      }
    }
  }

  private var sentence: String {
    guard
      let convolution = report.totals.types.first(where: { share in
        report.layers.contains { $0.type == share.type && $0.kind == "convolution" }
      })
    else {
      return "The layers by type."
    }
    return "Convolutions hold \(Format.percent(convolution.parameterShare)) of the parameters and "
      + "do \(Format.percent(convolution.macShare)) of the multiply-accumulates."
  }

  private func seconds(_ time: Double?) -> String { time.map(Format.seconds) ?? "–" }

  private func time(
    _ name: String, _ types: [Totals.Share], _ version: Version
  ) -> (String, [Double], String)? {
    let known = types.compactMap { $0.seconds[version] }
    guard known.count == types.count, !known.isEmpty else { return nil }
    return (name, known, Format.seconds(known.reduce(0, +)))
  }

  /// One bar of 100 %, its parts labelled where they have room.
  private func stacked(_ name: String, _ values: [Double], _ total: String) -> HTML {
    let sum = max(values.reduce(0, +), .leastNormalMagnitude)
    let parts = zip(report.totals.types, values).filter { $1 / sum > 0.001 }
    let text = parts.map { "\($0.type) \(Format.percent($1 / sum))" }.joined(separator: ", ")
    return element("figure", ["class": "stacked"]) {
      element("figcaption") {
        element("b") { name }
        element("span") { total }
      }
      element("div", ["class": "parts", "role": "img", "aria-label": "\(name): \(text)"]) {
        for (type, value) in parts {
          element(
            "span",
            [
              "class": "part type-\(type.type.lowercased())",
              "title": "\(type.type): \(Format.percent(value / sum))",
            ], share: value / sum
          ) {
            if value / sum > 0.14 {
              element("span") { "\(type.type) \(Format.percent(value / sum))" }
            }
          }
        }
      }
      element("p", ["class": "note"]) { text }
    }
  }
}
