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

  var listing: CodeListing { CodeListing(layer) }

  /// Where to read on.
  private func course() -> HTML? {
    layer.course.map { course in
      element("p", ["class": "note course"]) {
        "Chapter \(course.chapter), \(course.title): "
        element("code") { course.file }
        if let exercise = course.exercise {
          ". Write it yourself: "
          element("code") { "script/exercise \(exercise)" }
        }
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
