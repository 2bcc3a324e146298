/// The tour as lines of text.
struct TourText {
  var report: TourReport
  var terminal: Terminal

  /// What the tour is about.
  func introduction() -> [String] {
    let input = Format.extents(report.input)
    return [terminal.styled("\(report.network), layer by layer", .heading), ""]
      + terminal.wrapped(
        "The image: \(report.image.name), \(input). The network: "
          + "\(Format.grouped(report.parameters)) parameters, \(Format.grouped(report.macs)) "
          + "multiply-accumulates (MACs) an image, 2 FLOPs each. Seed \(report.seed), single "
          + "precision. Every number below was computed by Reference, in loops that read like the "
          + "formula, again by Fast and by Tuned, and one value of each layer by hand.")
      + [""] + terminal.wrapped(honesty())
      + pictures("", [(report.image.picture, "")], side: min(terminal.width - indent, 48))
  }

  /// What the reader mustn't take for more than it is.
  private func honesty() -> String {
    let label =
      report.image.isLabelAssumed
      ? " Nobody said what class the picture belongs to: its label is assumed to be "
        + "\(report.image.label)." : ""
    return
      (report.weights.isTrained
      ? "The parameters are those of \(report.weights.source)."
      : "The parameters are \(report.weights.source): the network is untrained, and its maps show "
        + "what chance makes of a picture. For a trained one: script/walkthrough tour "
        + "--network mini.") + label
  }

  /// The loss, between the two directions.
  func loss() -> [String] {
    guard report.layers.contains(where: { $0.backward != nil }) else {
      return [""] + terminal.wrapped(report.lossExplanation)
    }
    return ["", terminal.styled("The loss: \(Format.value(report.loss))", .heading)]
      + terminal.wrapped(report.lossExplanation, indent: 2)
      + ["", terminal.styled("Backwards", .heading)]
      + terminal.wrapped(
        "Each layer takes the gradient of the loss by its output and makes of it the gradients by "
          + "its parameters and by its input, which is the output of the layer before.", indent: 2)
  }

  /// The versions over the whole network, and where everything is.
  func summary() -> [String] {
    let totals = report.totals
    var lines = ["", terminal.styled("All layers together", .heading)]
    lines += bars("forwards", totals.versions, \.forwardSeconds)
    lines += bars("backwards", totals.versions, \.backwardSeconds)
    lines += row(
      "loss", list(report.losses) { report.isDeterministic ? Format.value($0) : "\($0)" })
    lines += row(
      "memory",
      "parameters \(Format.bytes(totals.parameterBytes)), outputs "
        + Format.bytes(totals.outputBytes))
    lines += ["", terminal.styled("Where everything is", .heading)]
    let time = totals.types.compactMap(\.seconds.last?.value).reduce(0, +)
    for share in totals.types where share.parameters > 0 || !share.seconds.isEmpty {
      let name = share.layers == 1 ? share.type : "\(share.type) (\(share.layers) layers)"
      let seconds = share.seconds.last.map {
        ", \(Format.percent($0.value / max(time, 1e-12))) of \($0.version.title)'s time"
      }
      lines += terminal.wrapped(
        "\(name): \(Format.percent(share.parameterShare)) of the parameters, "
          + "\(Format.percent(share.macShare)) of the MACs" + (seconds ?? ""), indent: 2)
    }
    return lines + takenFor()
  }

  /// What the network takes the picture for.
  private func takenFor() -> [String] {
    guard !report.predictions.isEmpty else { return [] }
    let classes = report.predictions.map { prediction in
      (prediction.name ?? "class \(prediction.label)")
        + " \(Format.percent(prediction.probability))"
    }.joined(separator: ", ")
    return ["", terminal.styled("What the network takes the picture for", .heading)]
      + terminal.wrapped(classes, indent: 2)
      + (report.weights.isTrained
        ? []
        : terminal.wrapped(
          "It is untrained: this is chance, and another seed gives other classes.", indent: 2))
  }
}

extension TourText {
  /// Where the text beside labels begins; in a narrow window it stands below them.
  var indent: Int { isNarrow ? 4 : 14 }
  private var isNarrow: Bool { terminal.width < 60 }

  /// A label in a column of its own and a text beside it.
  func row(_ label: String, _ text: String) -> [String] {
    row(label, terminal.wrapped(text, indent: indent).map { String($0.dropFirst(indent)) })
  }

  /// A label in a column of its own and lines beside it.
  func row(_ label: String, _ lines: [String]) -> [String] {
    guard let first = lines.first else { return [] }
    let margin = String(repeating: " ", count: indent)
    let below = lines.dropFirst().map { margin + $0 }
    if label.isEmpty { return [margin + first] + below }
    if isNarrow { return [terminal.styled("  " + label, .faint), margin + first] + below }
    return [terminal.styled(Format.padded("  " + label, indent), .faint) + first] + below
  }

  /// The times of versions as bars, each with how many times as fast it is as the one before; nothing
  /// where clocks weren't read.
  func bars(
    _ label: String, _ versions: [VersionReport], _ seconds: (VersionReport) -> Double?
  ) -> [String] {
    let times = versions.compactMap(seconds)
    guard times.count == versions.count, let most = times.max() else { return [] }
    let room = max(min(terminal.width - indent - 28, 40), 4)
    return row(
      label,
      zip(versions, times).enumerated().map { index, pair in
        let bar = Bars.horizontal(
          pair.1 / max(most, 1e-12), room: room, colours: terminal.colours)
        let factor = index > 0 ? "  " + Format.factor(times[index - 1] / max(pair.1, 1e-9)) : ""
        return "\(Format.padded(pair.0.version.rawValue, 9)) \(bar) \(Format.seconds(pair.1))"
          + factor
      })
  }

  /// A number of each version: `reference 0.1, fast 0.1`.
  func list(_ values: [VersionValue], _ format: (Double) -> String = Format.value) -> String {
    values.map { "\($0.version.rawValue) \(format($0.value))" }.joined(separator: ", ")
  }

  /// Pictures side by side, as many as fit into a line, each with a line of text below.
  ///
  /// - Parameter side: of a picture, in columns.
  func pictures(
    _ label: String, _ pictures: [(raster: Raster, caption: String)], side: Int
  ) -> [String] {
    let room = max(terminal.width - indent, side)
    var tiles: [Tile] = []
    var used = -1
    for picture in pictures {
      let tile = Tile(picture.raster.fitted(to: side), colours: terminal.colours)
      guard used + 1 + tile.width <= room else { break }
      used += 1 + tile.width
      tiles.append(tile)
    }
    let height = tiles.map(\.lines.count).max() ?? 0
    return row(
      label,
      Tile.row(
        zip(tiles, pictures).map { tile, picture in
          picture.caption.isEmpty ? tile : tile.captioned(picture.caption, height: height)
        }))
  }

  /// The columns of a small picture.
  var tileSide: Int { terminal.width < 60 ? 11 : terminal.width < 160 ? 15 : 24 }
}
