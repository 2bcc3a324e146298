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
          element("p", ["class": "lead"]) { layer.explanation }
          CodeListing(layer).formula()
          element("ul", ["class": "arithmetic"]) {
            for line in layer.arithmetic { element("li") { element("code") { line } } }
          }
        }
        facts()
      }
      output()
      byHand()
      if layer.groups.count > 1 { GroupsPiece(layer).html() }
      backward()
      versions()
      checks()
      code()
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
        "Sees", "\(layer.receptiveField)×\(layer.receptiveField) pixels",
        "neighbouring outputs lie \(layer.stride) apart on the image")
    }
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
      if !layer.filters.isEmpty {
        figure(
          contactSheet(
            layer.filters, columns: 16,
            alternative: "The \(layer.filters.count) filters of \(layer.name) in colour"),
          "All \(layer.filters.count) filters, grey is 0, \(layer.filters[0].range)", "filters")
      }
      if !layer.maps.isEmpty { maps(layer.maps, of: "output of \(layer.name)") }
      element("div", ["class": "distribution"]) {
        layer.histogram.figure("Output of \(layer.name)")
        element("p") {
          layer.statistics.sentence
          if let silence = layer.silence, silence.dead > 0 {
            " \(Format.grouped(silence.dead)) of \(Format.grouped(silence.count)) "
              + (layer.output[1] * layer.output[2] > 1 ? "channels are" : "units are")
              + " 0 everywhere on this picture."
          }
        }
      }
    }
  }

  /// Channels as pictures, in a row for each group.
  private func maps(_ maps: [FeatureMap], of what: String) -> HTML {
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
        element("b") { "\(map.channel)" }
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

  private func backward() -> HTML? {
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
              backward.filterGradients, columns: 16,
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

  private func versions() -> HTML? {
    guard let naive = layer.naiveForwardSeconds, let fast = layer.fastForwardSeconds else {
      return element("p", ["class": "note"]) {
        layer.agrees
          ? "The naive and the optimized version agree." : "The two versions DON'T agree."
      }
    }
    var bars = [("naive, forwards", naive), ("optimized, forwards", fast)]
    if let backward = layer.backward, let naive = backward.naiveBackwardSeconds,
      let fast = backward.fastBackwardSeconds
    {
      bars += [("naive, backwards", naive), ("optimized, backwards", fast)]
    }
    let greatest = bars.map(\.1).max() ?? 1
    return section(id("versions"), level: 4, "Naive against optimized") {
      element("dl", ["class": "bars"]) {
        for (name, seconds) in bars {
          element("div", ["class": name.hasPrefix("naive") ? "naive" : "fast"]) {
            element("dt") { name }
            element("dd") {
              element(
                "span",
                [
                  "class": "bar",
                  "style": "width:\(decimal(max(60 * seconds / max(greatest, 1e-12), 0.4)))%",
                ])
              element("span") { Format.seconds(seconds) }
            }
          }
        }
      }
      element("p") {
        "Forwards \(Format.value(naive / max(fast, 1e-9))) times as fast. The two versions "
        layer.agrees ? "agree" : "DON'T agree"
        layer.maxDifference.map { ": outputs differ by \(Format.value($0)) at most" } ?? ""
        layer.backward?.maxDifference.map { ", gradients by \(Format.value($0))" } ?? ""
        (layer.backward?.kinkNote ?? "") + "."
      }
    }
  }

  private func checks() -> HTML? {
    guard !layer.checks.isEmpty else { return nil }
    return section(id("checks"), level: 4, "Gradient check") {
      if let on = layer.checkedOn { element("p") { "Checked: \(on)." } }
      table(
        caption: "Difference quotients against the backward pass of \(layer.name)",
        header: [
          "version", "gradient by", "result", "elements", "directions", "relative error",
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

  private func code() -> HTML {
    section(id("code"), level: 4, "The code") {
      element("details") {
        element("summary") { "Both versions of \(layer.name) side by side" }
        CodeListing(layer).listings()
      }
    }
  }

  private func figure(_ picture: HTML, _ caption: String, _ style: String) -> HTML {
    element("figure", ["class": style]) {
      picture
      element("figcaption") { caption }
    }
  }

  private func id(_ part: String) -> String { "\(layer.anchor)-\(part)" }
}

extension Statistics {
  /// In a sentence.
  fileprivate var sentence: String {
    "From \(Format.value(minimum)) to \(Format.value(maximum)), mean \(Format.value(mean)), "
      + "standard deviation \(Format.value(deviation)), \(Format.percent(zeroShare)) zeros."
  }

  /// As a row of a table.
  fileprivate func row(_ name: String) -> [String] {
    [name] + [mean, deviation, minimum, maximum].map(Format.value) + [Format.percent(zeroShare)]
  }
}
