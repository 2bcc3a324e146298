extension LayerSection {
  /// A value computed by hand: its window, the numbers in it, and the steps. With the script the window of
  /// an output can be moved, where the page has the numbers.
  func byHand(_ example: WorkedExample) -> HTML {
    let slides = example.quantity == "out" && layer.sliding != nil
    return element("div", ["class": "by-hand", "data-sliding": slides ? layer.anchor : nil]) {
      if let window = example.window, window.plane.width > 1, !isBrief {
        figure(window, example)
        if example.quantity == "out",
          let map = layer.maps.first(where: { $0.channel == example.output[0] })
        {
          figure(map, example)
        }
      }
      // What belongs to this place; the script hides it while another one is shown.
      element("div", ["class": "steps", "data-place": ""]) {
        element("p") {
          if example.output.isEmpty {
            "The output"
          } else {
            example.quantity == "out" ? "Output at " : example.quantity + " of "
            element("b") { example.position }
          }
        }
        element("ol") {
          for step in example.steps { element("li") { element("code") { step } } }
          for sums in example.sums { element("li") { partialSums(sums) } }
          for step in example.lastSteps { element("li") { element("code") { step } } }
        }
        element("p", ["class": "result"]) {
          element("code") { "= \(Format.value(example.byHand))" }
          element("span", ["class": "note"]) {
            example.versions.map { "\($0.version.rawValue) \(Format.value($0.value))" }
              .joined(separator: ", ")
          }
        }
      }
      element("div", ["class": "numbers"]) {
        for (index, table) in example.tables.enumerated() where table.isShown {
          if table.columnNames.last == "p − onehot" {
            bars(table)
          } else {
            if index == 1, table.title.hasPrefix("w") {
              element("span", ["class": "times", "aria-hidden": "true"]) { "×" }
            }
            grid(table)
          }
        }
      }
      if slides {
        // What the script fills: sliders for the place, and the arithmetic there.
        element("div", ["class": "slider-panel", "hidden": ""])
      }
    }
  }

  /// `channels 64…79` with what each adds.
  private func partialSums(_ sums: WorkedExample.PartialSums) -> HTML {
    HTML([
      HTML("\(sums.name) add "), element("code") { sums.text }, HTML("; together "),
      element("code") { Format.value(sums.total) },
    ])
  }

  /// p, onehot and their difference, a row for each class.
  private func bars(_ table: WorkedExample.NumberTable) -> HTML {
    element("table", ["class": "onehot"]) {
      element("caption") { table.title }
      element("thead") {
        element("tr") {
          element("th", ["scope": "col"]) { "class" }
          for name in table.columnNames { element("th", ["scope": "col"]) { name } }
        }
      }
      element("tbody") {
        for (name, row) in zip(table.rowNames, table.rows) {
          element("tr") {
            element("th", ["scope": "row"]) { name.replacing("class ", with: "") }
            for value in row {
              element("td", ["class": (value ?? 0) < 0 ? "down" : "up"]) {
                element("span", ["class": "bar"], share: abs(value ?? 0))
                element("span") { Format.value(value ?? 0) }
              }
            }
          }
        }
      }
    }
  }

  private func figure(_ window: WorkedExample.Window, _ example: WorkedExample) -> HTML {
    let what = example.quantity == "out" ? "the input" : "∂L/∂out"
    return figure(
      window.plane, "Channel \(window.channel) of \(what)",
      caption: "The window on channel \(window.channel) of \(what), \(window.plane.range)",
      top: window.top, left: window.left, height: window.height, width: window.width)
  }

  /// The place of the value in its channel of the output.
  private func figure(_ map: FeatureMap, _ example: WorkedExample) -> HTML {
    figure(
      map.raster, "Channel \(map.channel) of the output",
      caption: "The value in output channel \(map.channel), \(map.raster.range)",
      top: example.output[1], left: example.output[2], height: 1, width: 1)
  }

  /// A plane with a rectangle marked on it.
  private func figure(
    _ plane: Raster, _ name: String, caption: String, top: Int, left: Int, height: Int, width: Int
  ) -> HTML {
    element("figure", ["class": "plane"]) {
      element("div", ["class": "stack"]) {
        plane.image(alternative: "\(name), values \(plane.range)")
        element(
          "svg", ["viewBox": "0 0 \(plane.width) \(plane.height)", "aria-hidden": "true"]
        ) {
          // Dark below bright: seen on every colour of the picture.
          for style in ["below", "above"] {
            element(
              "rect",
              [
                "class": style, "x": String(left), "y": String(top), "width": String(width),
                "height": String(height),
              ])
          }
        }
      }
      element("figcaption") { caption }
    }
  }

  private func grid(_ table: WorkedExample.NumberTable) -> HTML {
    let numbers = table.rows.joined().compactMap { $0 }
    let unit = Unit(of: numbers)
    let reach = numbers.reduce(0) { max($0, abs($1)) }
    let caption = table.title + unit.name
    return element(
      "div", ["class": "scroll", "tabindex": "0", "role": "group", "aria-label": caption]
    ) {
      element(
        "table",
        ["class": "grid", "data-factor": decimal(unit.factor), "data-unit": unit.name]
      ) {
        element("caption") { caption }
        element("tbody") {
          if !table.columnNames.isEmpty {
            element("tr") {
              for name in table.columnNames { element("th", ["scope": "col"]) { name } }
            }
          }
          for (row, values) in table.rows.enumerated() {
            element("tr") {
              for (column, value) in values.enumerated() {
                cell(value, reach, unit, isChosen: table.chosen == [row, column])
              }
            }
          }
        }
      }
    }
  }

  /// A number on a ground that is the stronger the further it is from 0; padding without one.
  private func cell(_ value: Double?, _ reach: Double, _ unit: Unit, isChosen: Bool) -> HTML {
    guard let value else { return element("td", ["class": "padding"]) { "·" } }
    let share = reach > 0 ? abs(value) / reach : 0
    let style = (value < 0 ? "negative" : "positive") + (isChosen ? " chosen" : "")
    return element("td", ["class": style], share: share) { Format.cell(value * unit.factor) }
  }
}

/// What small numbers are counted in, so that they fit into small cells.
private struct Unit {
  var factor = 1.0
  /// Ends a caption.
  var name = ""

  init(of numbers: [Double]) {
    let reach = numbers.reduce(0) { max($0, abs($1)) }
    let powers: [(Double, String)] = [
      (0.1, ", in thousandths"), (1e-4, ", in millionths"), (1e-7, ", in 10⁻⁹"),
      (1e-10, ", in 10⁻¹²"),
    ]
    for (limit, name) in powers where reach > 0 && reach < limit {
      factor *= 1e3
      self.name = name
    }
  }
}
