/// A training run as one self-contained page.
struct TrainingPage {
  let report: TrainingReport

  /// The file.
  ///
  /// - Throws: as `PageFrame.document`.
  func document() throws -> String {
    try PageFrame(
      title: "Training \(report.network)",
      description: "A training run of \(report.network): curves, filters, confusion, predictions.",
      contents: contents(), main: main(), data: PageData()
    ).document()
  }

  private func contents() -> HTML {
    HTML([
      element("p", ["class": "brand"]) { element("a", ["href": "#top"]) { report.network } },
      element("ol") {
        item("curves", "Curves")
        if !report.filtersBefore.isEmpty { item("filters", "Filters") }
        if !report.updateRatios.isEmpty { item("updates", "Steps") }
        if !report.confusion.isEmpty { item("confusion", "Confusion") }
        if !(report.wrong + report.right).isEmpty { item("predictions", "Predictions") }
      },
    ])
  }

  private func item(_ anchor: String, _ name: String) -> HTML {
    element("li") { element("a", ["href": "#\(anchor)"]) { name } }
  }

  @HTMLBuilder
  private func main() -> HTML {
    element("header", ["class": "hero", "id": "top"]) {
      element("p", ["class": "kicker"]) { "A training run" }
      element("h1") { "Training \(report.network)" }
      element("p", ["class": "lead"]) { summary }
      element("dl", ["class": "key-numbers"]) {
        keyNumber("iterations", Format.grouped(report.iteration))
        keyNumber("test accuracy", Format.percent(report.testAccuracy))
        keyNumber(
          "first loss, before any update",
          report.losses.first.map { Format.value(Double($0)) } ?? "–")
        keyNumber(
          "last loss, mean of \(min(LessonOutcome.window, report.losses.count)) batches",
          report.losses.map(Double.init).meanOfLast.map { Format.value($0) } ?? "–")
      }
    }
    curves()
    filters()
    updates()
    confusion()
    predictions()
    element("footer") {
      element("p") {
        "Made by walkthrough train --html. The parameters' digest: "
        element("code") { report.digest }
      }
    }
  }

  private var summary: String {
    let settings = report.settings
    let source =
      settings.dataset.map { "the pictures of \($0)" }
      ?? "\(Format.grouped(settings.images)) synthetic pictures"
    return "\(report.network) learnt from \(source), "
      + "\(Format.grouped(settings.batch * settings.gradientAccumulationSteps)) in each iteration, and was "
      + "tested on \(report.testSet.description). The same seed, \(settings.seed), gives the same run."
  }

  private func keyNumber(_ name: String, _ value: String) -> HTML {
    element("div") {
      element("dt") { name }
      element("dd") { value }
    }
  }

  // MARK: - Curves

  private func curves() -> HTML {
    section("curves", level: 2, "How it learnt") {
      for (_, chart) in TrainingFiles.charts(report) {
        element("figure", ["class": "chart"]) {
          // Drawn twice, as text in a drawing grows and shrinks with it.
          for (style, width) in [("wide", chart.width), ("narrow", 330)] {
            element("div", ["class": style]) { HTML.drawing(chart, width: width) }
          }
        }
      }
      if !report.tests.isEmpty {
        table(
          caption: "The tests", header: ["iteration", "loss", "accuracy"],
          rows: report.tests.map {
            [Format.grouped($0.iteration), Format.value($0.loss), Format.percent($0.accuracy)]
          })
      }
    }
  }

  // MARK: - Filters and steps

  private func filters() -> HTML? {
    guard !report.filtersBefore.isEmpty, !report.filtersAfter.isEmpty else { return nil }
    return section("filters", level: 2, "What the first layer looks for") {
      for (name, rasters) in [("Before", report.filtersBefore), ("After", report.filtersAfter)] {
        element("figure", ["class": "filters"]) {
          contactSheet(
            rasters, columns: 12,
            alternative: "The \(rasters.count) filters \(name.lowercased()) training, in colour")
          element("figcaption") { "\(name) training: grey is 0, \(rasters[0].range)" }
        }
      }
    }
  }

  private func updates() -> HTML? {
    guard let names = report.updateRatios.first?.layers.map(\.name) else { return nil }
    return section("updates", level: 2, "How far a step goes") {
      element("p") {
        "The length of a step against that of the weights it changes. About 0.001 is healthy: far "
          + "more and training jumps about, far less and it stands still."
      }
      table(
        caption: "‖Δw‖ / ‖w‖ of the weights",
        header: ["layer"] + report.updateRatios.map { "iteration \(Format.grouped($0.iteration))" },
        rows: names.enumerated().map { index, name in
          [name]
            + report.updateRatios.map { ratios in
              ratios.layers.indices.contains(index)
                ? ratios.layers[index].ratios.first.map(Format.value) ?? "–" : "–"
            }
        })
    }
  }

  // MARK: - What it gets right and wrong

  private func confusion() -> HTML? {
    guard !report.confusion.isEmpty else { return nil }
    let caption = "Test pictures by their class (row) and what they were taken for (column)"
    return section("confusion", level: 2, "What is taken for what") {
      element(
        "div", ["class": "scroll", "tabindex": "0", "role": "group", "aria-label": caption]
      ) {
        element("table", ["class": "confusion"]) {
          element("caption") { caption }
          element("thead") {
            element("tr") {
              element("th", ["scope": "col"]) { "class" }
              for label in report.confusion.indices {
                element("th", ["scope": "col"]) { report.className(label) }
              }
            }
          }
          element("tbody") {
            for (label, row) in report.confusion.enumerated() {
              element("tr") {
                element("th", ["scope": "row"]) { report.className(label) }
                for count in row { cell(count, of: row.reduce(0, +)) }
              }
            }
          }
        }
      }
    }
  }

  private func cell(_ count: Int, of total: Int) -> HTML {
    let share = total > 0 ? Double(count) / Double(total) : 0
    return element(
      "td", ["class": count == 0 ? "none" : nil], share: share
    ) { Format.grouped(count) }
  }

  private func predictions() -> HTML? {
    guard !(report.wrong + report.right).isEmpty else { return nil }
    return section("predictions", level: 2, "Right and wrong") {
      gallery("wrong", "Taken for something else", report.wrong)
      gallery("right", "Taken for what they are", report.right)
    }
  }

  private func gallery(
    _ id: String, _ title: String, _ predictions: [TrainingReport.Prediction]
  ) -> HTML? {
    guard !predictions.isEmpty else { return nil }
    return section(id, level: 3, title, class: "gallery-part") {
      element("div", ["class": "gallery"]) {
        for prediction in predictions {
          let (label, predicted) = (
            report.className(prediction.label), report.className(prediction.predicted)
          )
          element("figure") {
            prediction.picture.image(alternative: "A test picture of class \(label)")
            element("figcaption") {
              element("b") { label }
              element("br")
              element("span", ["class": id]) {
                (id == "right" ? "✓ " : "✗ ") + predicted + ", "
                  + Format.percent(prediction.probability)
              }
            }
          }
        }
      }
    }
  }
}
