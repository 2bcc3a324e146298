/// Everything about one layer, as a section of the page.
struct LayerSection {
  let layer: LayerReport
  let count: Int
  /// The layer before it whose code is the same, if there is one: on paper it stands there only.
  var codeIsThatOf: String? = nil

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
        if let codeIsThatOf {
          element("span", ["class": "in-print"]) { "code as of \(codeIsThatOf)" }
        }
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
            layer.filters, columns: layer.filters.count.isMultiple(of: 16) ? 16 : 12,
            alternative: "The \(layer.filters.count) filters of \(layer.name) in colour"),
          "All \(layer.filters.count) filters, grey is 0, \(layer.filters[0].range)", "filters")
      }
      if !layer.maps.isEmpty { maps(layer.maps, of: "output of \(layer.name)") }
      element("div", ["class": "distribution"]) {
        layer.histogram.figure("Output of \(layer.name)")
        element("p") {
          layer.output.allSatisfy { $0 == 1 }
            ? "One number: \(Format.value(layer.statistics.mean))." : layer.statistics.sentence
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
