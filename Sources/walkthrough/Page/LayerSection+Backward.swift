extension LayerSection {
  /// What comes back through the layer.
  func backward() -> HTML? {
    layer.backward.map { backward in
      section(id("backward"), level: 4, "Backwards") {
        if let first = layer.repeats {
          element("p") { "As \(first), backwards." }
        } else {
          element("p") { backward.explanation }
          for (formula, parts) in zip(backward.formulas, backward.formulaParts) {
            listing.formula(formula, parts, named: Formula.markName(of: formula))
          }
        }
        if backward.inputGradient == nil {
          element("p", ["class": "note"]) {
            "The gradient with respect to the input isn't computed: nothing before the layer learns from "
              + "it."
          }
        }
        for example in backward.examples {
          element("h5") { "\(example.quantity) by hand" }
          byHand(example)
        }
        if !backward.filterGradients.isEmpty {
          figure(
            contactSheet(
              backward.filterGradients,
              columns: backward.filterGradients.count.isMultiple(of: 16) ? 16 : 12,
              alternative:
                "The gradient with respect to each of the filters of \(layer.name) in colour"),
            "The gradient with respect to each filter, \(backward.filterGradients[0].range)",
            "filters")
        }
        if !backward.inputMaps.isEmpty, !isBrief {
          maps(backward.inputMaps, of: "gradient with respect to the input of \(layer.name)")
        }
        element("div", ["class": "distributions"]) {
          backward.inputHistogram?.figure("∂L/∂in")
          for (name, histogram) in backward.parameterHistograms.sorted(by: { $0.key > $1.key }) {
            histogram.figure(backward.symbol(name))
          }
        }
        table(
          caption: "The gradients of \(layer.name) in numbers",
          header: ["of", "mean", "deviation", "least", "greatest", "zeros"],
          rows: (backward.inputGradient.map { [$0.row("∂L/∂in")] } ?? [])
            + backward.parameterGradients.sorted { $0.key > $1.key }.map {
              $1.row(backward.symbol($0))
            })
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
