extension LayerSection {
  /// What comes back through the layer.
  func backward() -> HTML? {
    layer.backward.map { backward in
      section(id("backward"), level: 4, "Backwards") {
        element("p") { backward.explanation }
        if backward.inputGradient == nil {
          element("p", ["class": "note"]) {
            "The gradient by the input isn't computed: nobody needs it."
          }
        }
        if !backward.filterGradients.isEmpty {
          figure(
            contactSheet(
              backward.filterGradients,
              columns: backward.filterGradients.count.isMultiple(of: 16) ? 16 : 12,
              alternative: "The gradient by each of the filters of \(layer.name) in colour"),
            "The gradient by each filter, \(backward.filterGradients[0].range)", "filters")
        }
        if !backward.inputMaps.isEmpty {
          maps(backward.inputMaps, of: "gradient by the input of \(layer.name)")
        }
        element("div", ["class": "distributions"]) {
          backward.inputHistogram?.figure("∂L/∂in")
          for (name, histogram) in backward.parameterHistograms.sorted(by: { $0.key > $1.key }) {
            histogram.figure("∂L/∂\(name)")
          }
        }
        table(
          caption: "The gradients of \(layer.name) in numbers",
          header: ["gradient by", "mean", "deviation", "least", "greatest", "zeros"],
          rows: (backward.inputGradient.map { [$0.row("input")] } ?? [])
            + backward.parameterGradients.sorted { $0.key > $1.key }.map { $1.row($0) })
      }
    }
  }
}

extension Statistics {
  /// As a row of a table.
  fileprivate func row(_ name: String) -> [String] {
    [name] + [mean, deviation, minimum, maximum].map(Format.value) + [Format.percent(zeroShare)]
  }
}
