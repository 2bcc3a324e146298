/// Everything about one layer, as a section of the page.
struct LayerSection {
  let layer: LayerReport
  let count: Int

  /// The section.
  func html() -> HTML {
    element(
      "section",
      ["id": layer.anchor, "class": "layer \(layer.kind)", "aria-labelledby": id("title")]
    ) {
      header()
      element("div", ["class": "columns"]) {
        element("div", ["class": "prose"]) {
          if let first = layer.repeats {
            element("p") {
              "The formulas and the code are those of "
              element("a", ["href": "#\(LayerReport.anchor(first))"]) { first }
              "."
            }
          } else {
            element("p", ["class": "lead"]) { layer.explanation }
            listing.formula(layer.formula, layer.formulaParts)
          }
          if !isBrief {
            element("ul", ["class": "arithmetic"]) {
              for line in layer.arithmetic { element("li") { element("code") { line } } }
            }
          }
          course()
        }
        if !isBrief { facts() }
      }
      output()
      if let example = layer.example {
        section(id("by-hand"), level: 4, "One value by hand") { byHand(example) }
      }
      if layer.groups.count > 1 { GroupsPiece(layer).html() }
      backward()
      versions()
      if layer.repeats == nil {
        checks()
        code()
      }
    }
  }

  /// Whether there is no news: a layer in place that repeats an earlier one.
  var isBrief: Bool { layer.repeats != nil && layer.isInPlace }

  private var listing: CodeListing { CodeListing(layer) }

  /// Where to read on.
  private func course() -> HTML? {
    guard layer.repeats == nil, let course = layer.course else { return nil }
    return element("p", ["class": "note course"]) {
      "Chapter \(course.chapter), \(course.title): "
      element("code") { course.file }
      if let exercise = course.exercise {
        ". Write it yourself: "
        element("code") { "script/exercise \(exercise)" }
      }
    }
  }

  private func header() -> HTML {
    element("header") {
      element("p", ["class": "kicker"]) {
        element("span") { "\(layer.number) of \(count)" }
        element("span", ["class": "type"]) { layer.type }
        if layer.isInPlace { element("span") { "in place" } }
      }
      element("h3", ["id": id("title")]) { layer.name }
      element("p", ["class": "extents"]) {
        "\(Format.extents(layer.input)) → \(Format.extents(layer.output))"
      }
    }
  }

  private func facts() -> HTML {
    let parameters = layer.parameters
    return element("dl", ["class": "facts"]) {
      if parameters.total > 0 {
        fact(
          "Parameters", Format.grouped(parameters.total),
          "\(Format.grouped(parameters.weights)) weights (\(Format.extents(parameters.weightShape))) + "
            + "\(Format.grouped(parameters.biases)) biases, "
            + Format.bytes(layer.memoryBytes.parameters))
        fact(
          "Multiply-accumulates", Format.grouped(layer.macs),
          "\(Format.grouped(layer.flops)) FLOPs an image")
      }
      fact(
        "Memory", layer.isInPlace ? "none of its own" : Format.bytes(layer.memoryBytes.output),
        "for the output of one image, in single precision")
      fact(
        "Sees", sight.first, sight.rest)
    }
  }

  private var sight: (first: String, rest: String) {
    let words = layer.sight.components(separatedBy: " of the image")
    return (words[0], "of the image, the output in the middle" + words[1])
  }

  private func fact(_ name: String, _ value: String, _ note: String) -> HTML {
    element("div") {
      element("dt") { name }
      element("dd") {
        element("b") { value }
        element("span") { note }
      }
    }
  }

  private func output() -> HTML {
    section(id("output"), level: 4, "What comes out") {
      if !layer.maps.isEmpty, !isBrief { maps(layer.maps, of: "output of \(layer.name)") }
      element("div", ["class": "distribution"]) {
        layer.histogram.figure("Output of \(layer.name)")
        element("p") {
          layer.output.allSatisfy { $0 == 1 }
            ? "One number: \(Format.value(layer.statistics.mean))." : layer.statistics.sentence
          if let zeroUnits = layer.zeroUnits, zeroUnits.zero > 0 {
            " \(Format.grouped(zeroUnits.zero)) of \(Format.grouped(zeroUnits.count)) "
              + (layer.output[1] * layer.output[2] > 1 ? "channels are" : "units are")
              + " 0 for this picture."
          }
        }
      }
      if !layer.filters.isEmpty {
        element("h5") { "What it is made with: the filters" }
        figure(
          contactSheet(
            layer.filters, columns: layer.filters.count.isMultiple(of: 16) ? 16 : 12,
            alternative: "The \(layer.filters.count) filters of \(layer.name) in colour"),
          "The weights of all \(layer.filters.count) filters, grey is 0, \(layer.filters[0].range)",
          "filters")
      }
    }
  }

  /// Channels as pictures, in a row for each group.
  func maps(_ maps: [FeatureMap], of what: String) -> HTML {
    let groups = Set(maps.map(\.group)).sorted()
    return HTML(
      groups.map { group in
        element("div", ["class": "maps"]) {
          if groups.count > 1 {
            element("p", ["class": "group-name"]) { "Group \(group + 1)" }
          }
          for map in maps where map.group == group { self.map(map, of: what) }
        }
      })
  }

  private func map(_ map: FeatureMap, of what: String) -> HTML {
    element("figure") {
      map.raster.image(
        alternative: "Channel \(map.channel) of the \(what), values \(map.raster.range)")
      element("figcaption") {
        element("b") { "channel \(map.channel)" }
        element("span") { map.raster.range }
        if let peak = map.peak {
          element("span", ["class": "peak"]) {
            peak.patch.image(
              alternative: "The part of \(peak.picture) on which channel \(map.channel) is greatest"
            )
            "greatest here: \(Format.value(peak.value))"
          }
        }
      }
    }
  }

  func figure(_ picture: HTML, _ caption: String, _ style: String) -> HTML {
    element("figure", ["class": style]) {
      picture
      element("figcaption") { caption }
    }
  }

  func id(_ part: String) -> String { "\(layer.anchor)-\(part)" }
}

extension Statistics {
  /// In a sentence.
  fileprivate var sentence: String {
    "From \(Format.value(minimum)) to \(Format.value(maximum)), mean \(Format.value(mean)), "
      + "standard deviation \(Format.value(deviation)), \(Format.percent(zeroShare)) zeros."
  }
}

// MARK: - Backwards

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

// MARK: - Versions

extension LayerSection {
  /// Reference and Fast beside each other, and below them what this machine runs at its fastest.
  func versions() -> HTML? {
    /// With a capital letter.
    func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
    let verdict = sentence("\(layer.versionNames) \(layer.agrees ? "agree" : "DON'T agree")")
    guard let reference = layer.versions[.reference], let fast = layer.versions[.fast],
      let slow = reference.forwardSeconds, let quick = fast.forwardSeconds
    else {
      return element("p", ["class": "note"]) { "\(verdict)." }
    }
    let forwards = layer.textbook.map { ($0.version.rawValue, "forwards", $0.forwardSeconds) }
    let backwards = layer.textbook.map { ($0.version.rawValue, "backwards", $0.backwardSeconds) }
    let bars = (forwards + backwards).compactMap { name, direction, seconds in
      seconds.map { (name, direction, $0) }
    }
    let greatest = bars.map(\.2).max() ?? 1
    return section(id("versions"), level: 4, "Reference beside Fast") {
      element("dl", ["class": "bars"]) {
        for (name, direction, seconds) in bars {
          element("div", ["class": name]) {
            element("dt") { "\(name), \(direction)" }
            element("dd") {
              // However short a time is, its bar is to be seen.
              element(
                "span", ["class": "bar"], share: max(seconds / max(greatest, 1e-12), 0.007))
              element("span") { Format.seconds(seconds) }
            }
          }
        }
      }
      element("p") {
        quick < slow
          ? "In this one run Fast was \(Format.value(slow / max(quick, 1e-9))) times as fast forwards"
          : "In this one run Fast was no faster forwards"
        fast.algorithm.map { " (\($0)). " } ?? ". "
        verdict
        fast.difference.map { ": outputs of fast differ by \(Format.value($0.absolute)) at most" }
          ?? ""
        fast.gradientDifference.map { ", gradients by \(Format.value($0.absolute))" } ?? ""
        (layer.backward?.kinkNote ?? "") + "."
      }
      if let tuned = layer.tuned(.forwards, .backwards) {
        element("p", ["class": "note"]) { sentence(tuned) + "." }
      }
    }
  }

  func checks() -> HTML? {
    guard !layer.checks.isEmpty else { return nil }
    return section(id("checks"), level: 4, "Gradient check") {
      if let on = layer.checkedOn { element("p") { "Checked: \(on)." } }
      table(
        caption: "Difference quotients against the backward pass of \(layer.name)",
        header: [
          "version", "gradient of", "result", "elements", "directions", "relative error",
          "error over its bar",
        ],
        rows: layer.checks.map { check in
          [
            check.version, check.tensor, check.passed ? "✓ right" : "✗ wrong",
            Format.grouped(check.elements), Format.grouped(check.directions),
            check.relativeError.map(Format.value) ?? "–",
            check.errorOverBar.map(Format.value) ?? "–",
          ]
        }, textColumns: 3)
    }
  }

  func code() -> HTML {
    section(id("code"), level: 4, "The code") {
      element("details") {
        element("summary") { "The functions of \(layer.name) that compute, version beside version" }
        listing.html()
      }
    }
  }
}

// MARK: - By hand

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
