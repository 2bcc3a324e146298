/// The tour as one self-contained page.
struct TourPage {
  let report: TourReport
  /// The network for the page to run, if it is small enough.
  var live: LivePage?

  /// The file.
  ///
  /// - Throws: as `PageFrame.document`.
  func document() throws -> String {
    try PageFrame(
      title: "\(report.network), layer by layer",
      description: "\(report.network) step by step: every layer forwards and backwards, in "
        + "pictures and numbers.",
      contents: contents(), main: main(live: try live.map { try LiveSection(page: $0).html() }),
      data: PageData(report)
    ).document()
  }

  private func contents() -> HTML {
    HTML([
      element("p", ["class": "brand"]) { element("a", ["href": "#top"]) { report.network } },
      element("ol") {
        item("image", "The picture", nil)
        if live != nil { item("live", "Run it yourself", nil) }
        for layer in report.layers { item(layer.anchor, layer.name, layer.kind) }
        item("loss", "The loss", nil)
        item("totals", "Totals", nil)
        item("laboratory", "Try it", nil)
      },
    ])
  }

  private func item(_ anchor: String, _ name: String, _ kind: String?) -> HTML {
    element("li", ["class": kind]) { element("a", ["href": "#\(anchor)"]) { name } }
  }

  @HTMLBuilder
  private func main(live: HTML?) -> HTML {
    header()
    picture()
    live
    section("layers", level: 2, "The layers") {
      element("p", ["class": "lead"]) {
        "Forwards from the first to the last, and at each what comes back through it. How the layers' "
          + "gradients become the network's is chapter 11: \(TourText.backpropagation.file)."
      }
      element("p", ["class": "note"]) { TourText.notation }
      element("p", ["class": "note"]) {
        "In pictures of numbers that go below 0, blue is negative, white 0 and red positive; others "
          + "go from dark blue to yellow. Below each stands its range. Histograms leave out zeros, "
          + "and their bars are as high as the square roots of the counts, so that rare values can "
          + "be seen beside frequent ones."
      }
      for layer in report.layers { LayerSection(layer: layer, count: report.layers.count).html() }
    }
    loss()
    TotalsSection(report: report).html()
    Laboratory(report: report).html()
    footer()
  }

  private func header() -> HTML {
    element("header", ["class": "hero", "id": "top"]) {
      element("p", ["class": "kicker"]) { "AlexNet to learn from" }
      element("h1") { "\(report.network), layer by layer" }
      element("p", ["class": "lead"]) {
        "Reference computes each layer in loops that read like the formula; Fast and Tuned compute it "
          + "again. One value of each output and of each gradient is worked out by hand, from numbers "
          + "that are shown. What sliders show, the page computes itself."
      }
      element("dl", ["class": "key-numbers"]) {
        keyNumber("parameters", Format.grouped(report.parameters))
        keyNumber("multiply-accumulates an image", Format.grouped(report.macs))
        keyNumber("layers", String(report.layers.count))
        keyNumber("classes", Format.grouped(report.classes))
      }
      let drawing = NetworkDrawing(report)
      element("figure", ["class": "overview"]) {
        element(
          "div",
          ["class": "scroll", "tabindex": "0", "role": "group", "aria-label": "The network"]
        ) { drawing.svg() }
        element("figcaption") { drawing.caption }
      }
    }
  }

  private func keyNumber(_ name: String, _ value: String) -> HTML {
    element("div") {
      element("dt") { name }
      element("dd") { value }
    }
  }

  private func picture() -> HTML {
    section("image", level: 2, "The picture", class: "image") {
      element("div", ["class": "columns"]) {
        element("figure") {
          report.image.picture.image(alternative: "What the network looks at: \(report.image.name)")
          element("figcaption") { "\(report.image.name), as the network gets it" }
        }
        element("div") {
          element("p") {
            "The network gets \(Format.extents(report.input)) numbers: planes of blue, green and red, the "
              + "mean of each subtracted. Its weights: \(report.weights.source)."
          }
          if !report.weights.isTrained {
            element("p", ["class": "warning"]) {
              "This network has not been trained. Its weights are random, its filters show noise, "
                + "and what it predicts means nothing. script/walkthrough tour --network mini --html "
                + "writes the page of one that has."
            }
          }
          predictions()
        }
      }
    }
  }

  private func predictions() -> HTML? {
    guard !report.predictions.isEmpty else { return nil }
    return table(
      caption: report.weights.isTrained
        ? "What the network takes it for" : "The classes it happens to prefer",
      header: ["class", "probability"],
      rows: report.predictions.map { prediction in
        [
          prediction.name.map { "\(prediction.label), \($0)" } ?? String(prediction.label),
          Format.percent(prediction.probability),
        ]
      })
  }

  private func loss() -> HTML {
    section("loss", level: 2, "The loss: \(Format.value(report.loss))") {
      element("p", ["class": "lead"]) { report.lossExplanation }
      if report.image.isLabelAssumed {
        element("p", ["class": "note"]) {
          "Nobody said what the picture shows; class \(report.image.label) is assumed."
        }
      }
    }
  }

  private func footer() -> HTML {
    element("footer") {
      element("p") {
        "Made by walkthrough tour --html with seed \(report.seed), in single precision. "
          + "The page needs no network; keep it, print it, pass it on."
      }
    }
  }
}
