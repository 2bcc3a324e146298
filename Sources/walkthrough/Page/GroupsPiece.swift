/// A grouped convolution, and what it would be without groups.
struct GroupsPiece {
  private let layer: LayerReport

  init(_ layer: LayerReport) {
    self.layer = layer
  }

  /// Parameters and work with a number of groups: every kernel sees 1/groups of the channels.
  private func counts(groups: Int) -> (weights: Int, parameters: Int, macs: Int) {
    let weights = layer.parameters.weights * layer.groups.count / groups
    return (
      weights, weights + layer.parameters.biases, layer.macs * layer.groups.count / groups
    )
  }

  /// The groups as a picture and a table; with the script they can be switched off.
  func html() -> HTML {
    let groups = layer.groups.count
    let (with, without) = (counts(groups: groups), counts(groups: 1))
    return section("\(layer.anchor)-groups", level: 4, "\(groups) groups") {
      element("div", ["class": "groups-piece", "data-groups": layer.anchor]) {
        element("div", ["class": "control", "hidden": ""]) {
          element("label") {
            element("input", ["type": "checkbox", "role": "switch", "checked": ""])
            " Split into groups"
          }
          element("output", ["aria-live": "polite"]) {
            "\(Format.grouped(with.parameters)) parameters"
          }
        }
        drawing()
        table(
          caption: "\(layer.name) with and without groups",
          header: ["layout", "a kernel sees", "weights", "parameters", "MACs"],
          rows: [
            ["\(groups) groups", "\(layer.input[0] / groups) channels"]
              + [with.weights, with.parameters, with.macs].map(Format.grouped),
            ["one group", "\(layer.input[0]) channels"]
              + [without.weights, without.parameters, without.macs].map(Format.grouped),
          ])
        element("p", ["class": "note"]) {
          "In 2012 the two halves lay on two graphics processors of 3 GB each; the split saved "
            + "memory and traffic between them."
        }
      }
    }
  }

  /// Input channels on the left, kernels on the right, a line for each pair that is joined.
  private func drawing() -> HTML {
    let count = Double(layer.groups.count)
    let part = 140 / count
    return element(
      "svg",
      [
        "class": "groups", "viewBox": "0 0 360 150", "role": "img",
        "aria-label": "Each group of kernels sees its own input channels only",
      ]
    ) {
      for (index, group) in layer.groups.enumerated() {
        let y = 5 + Double(index) * part
        for other in layer.groups.indices {
          element(
            "path",
            [
              "class": other == index ? "own" : "other",
              "d": "M120 \(decimal(y + part / 2)) "
                + "L240 \(decimal(5 + (Double(other) + 0.5) * part))",
            ])
        }
        box(20, y, part, "in \(group.firstInput)–\(group.lastInput)", index)
        box(240, y, part, "out \(group.firstOutput)–\(group.lastOutput)", index)
      }
    }
  }

  private func box(_ x: Double, _ y: Double, _ height: Double, _ text: String, _ group: Int) -> HTML
  {
    HTML([
      element(
        "rect",
        [
          "class": "group-\(group % 2)", "x": decimal(x), "y": decimal(y + 3), "width": "100",
          "height": decimal(height - 6), "rx": "4",
        ]),
      element(
        "text",
        ["x": decimal(x + 50), "y": decimal(y + height / 2 + 4), "text-anchor": "middle"]
      ) { text },
    ])
  }
}
