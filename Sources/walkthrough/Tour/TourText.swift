/// The tour as lines of text.
struct TourText {
  var report: TourReport
  var terminal: Terminal

  /// What the tour is about.
  func introduction() -> [String] {
    let input = Format.extents(report.input)
    return [terminal.styled("\(report.network), layer by layer", .heading), ""]
      + terminal.wrapped(
        "The image: \(report.image.name), \(input) (channels, rows, columns). The network: "
          + "\(Format.grouped(report.parameters)) parameters, \(Format.grouped(report.macs)) "
          + "multiply-accumulates (MACs) an image, 2 FLOPs each. Seed \(report.seed), single "
          + "precision. Reference computes each layer in loops that read like the formula, Fast and "
          + "Tuned compute it again, and of each output and each gradient one value is worked out by "
          + "hand, from numbers that are shown.")
      + [""] + terminal.wrapped(Self.notation) + [""] + terminal.wrapped(honesty())
      + pictures("", [(report.image.picture, "")], side: min(terminal.width - indent, 48))
  }

  /// How formulas are written.
  static let notation =
    "In formulas, Σ_c<3 adds up over c = 0, 1, 2; ⌊x⌋ is x rounded down and ⌈x⌉ x rounded up; [a = b] is 1 "
    + "where that holds, and 0 elsewhere; a ? b : c is b where a holds, and c elsewhere."

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

  /// The chapter on what joins the layers.
  static let backpropagation = CourseEntry(
    chapter: 11, title: "Backpropagation through the whole net",
    file: "Docs/11-Backpropagation.md")

  /// The loss, between the two directions.
  func loss() -> [String] {
    guard report.layers.contains(where: { $0.backward != nil }) else {
      return [""] + terminal.wrapped(report.lossExplanation)
    }
    return ["", terminal.styled("The loss: \(Format.value(report.loss))", .heading)]
      + terminal.wrapped(report.lossExplanation, indent: 2)
      + ["", terminal.styled("Backwards", .heading)]
      + terminal.wrapped(
        "Each layer takes the gradient of the loss with respect to its output, ∂L/∂out, and makes of "
          + "it those with respect to its parameters, ∂L/∂w and ∂L/∂b, and to its input, ∂L/∂in, "
          + "which is the output of the layer before.", indent: 2)
      + row("read on", Self.backpropagation.text)
  }

  /// The versions over the whole network, and where everything is.
  func summary() -> [String] {
    let totals = report.totals
    var lines = ["", terminal.styled("All layers together", .heading)]
    lines += bars("forwards", totals.versions, \.forwardSeconds)
    lines += bars("backwards", totals.versions, \.backwardSeconds)
    lines += row(
      "loss", list(report.losses) { report.isDeterministic ? Format.value($0) : Format.exact($0) })
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
          "It is untrained, so this is chance, and another seed gives other classes.", indent: 2))
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

// MARK: - A layer

extension TourText {
  /// A layer on the way forwards. Of one that repeats an earlier layer, only what is its own.
  func forward(_ layer: LayerReport) -> [String] {
    var lines = heading(layer)
    if let first = layer.repeats {
      lines += terminal.wrapped("The formula and the code are those of \(first).", indent: 2)
    } else {
      lines += terminal.wrapped(layer.explanation, indent: 2)
      lines += row("formula", layer.formula)
    }
    if layer.repeats == nil || !layer.isInPlace {
      for (index, line) in layer.arithmetic.enumerated() {
        lines += row(index == 0 ? "shape" : "", line)
      }
    }
    lines += counts(layer)
    if layer.repeats == nil || !layer.isInPlace {
      lines += row(
        "memory",
        layer.isInPlace ? "in place: none of its own" : Format.bytes(layer.memoryBytes.output))
      lines += row("sees", layer.sight)
    }
    lines += row("output", text(layer.statistics))
    lines += histogram(layer.histogram)
    if let zeroUnits = layer.zeroUnits {
      let what = layer.maps.isEmpty ? "units" : "channels"
      lines += row(
        "zero",
        "\(zeroUnits.zero) of \(zeroUnits.count) \(what) are 0"
          + (layer.maps.isEmpty ? "" : " everywhere") + " for this picture")
    }
    if let example = layer.example { lines += byHand(example, of: layer) }
    lines += bars("time", layer.textbook, \.forwardSeconds)
    lines += row("versions", agreement(layer)) + row("", layer.tuned(.forwards) ?? "")
    lines += checks(layer)
    if layer.repeats == nil {
      let algorithm = layer.versions[.fast]?.algorithm.map { " (\($0))" } ?? ""
      lines += row("code", layer.source.reference) + row("", layer.source.fast + algorithm)
    }
    if let course = layer.course { lines += row("read on", course.text) }
    if layer.repeats != nil, layer.isInPlace { return lines }
    return lines + maps(layer) + filters(layer.filters, "filters") + peaks(layer)
  }

  /// A layer on the way back.
  func backward(_ layer: LayerReport) -> [String] {
    guard let backward = layer.backward else { return [] }
    var lines = ["", terminal.styled("\(layer.name), backwards", .strong)]
    // On the way back, the last of those that are alike comes first.
    let first = report.layers.last { $0.type == layer.type && $0.formula == layer.formula }
    let isNew = first?.number == layer.number
    if let first, !isNew {
      lines += terminal.wrapped("As \(first.name), backwards.", indent: 2)
    } else {
      lines += terminal.wrapped(backward.explanation, indent: 2)
    }
    let formulas = isNew ? backward.formulas : []
    for (index, formula) in formulas.enumerated() {
      lines += row(index == 0 ? "formula" : "", formula)
    }
    for (name, statistics) in backward.parameterGradients.sorted(by: { $0.key > $1.key }) {
      lines += row(backward.symbol(name), text(statistics))
      if let histogram = backward.parameterHistograms[name] {
        lines += self.histogram(histogram)
      }
    }
    if let gradient = backward.inputGradient {
      lines += row("∂L/∂in", text(gradient))
      if let histogram = backward.inputHistogram { lines += self.histogram(histogram) }
    } else {
      lines += row("∂L/∂in", "not computed: nothing before the layer learns from it")
    }
    for example in backward.examples { lines += byHand(example, of: layer) }
    lines += bars("time", layer.textbook, \.backwardSeconds)
    if let difference = layer.versions[.fast]?.gradientDifference {
      lines += row(
        "versions",
        "greatest difference \(Format.value(difference.absolute)) of "
          + Format.value(backward.largestMagnitude) + (backward.kinkNote ?? ""))
    }
    lines += row("", layer.tuned(.backwards) ?? "")
    if let course = layer.course { lines += row("read on", course.text) }
    if !isNew, layer.isInPlace { return lines }
    let maps = backward.inputMaps.map { ($0.raster, "ch \($0.channel)") }
    if !maps.isEmpty { lines += pictures("∂L/∂in", maps, side: tileSide) }
    return lines + filters(backward.filterGradients, "∂L/∂w")
  }

  /// Number, name, type and shapes; on two lines where one is too short.
  private func heading(_ layer: LayerReport) -> [String] {
    let title = "\(layer.number)/\(report.layers.count)  \(layer.name)  \(layer.type)"
    let shape = "\(Format.extents(layer.input)) → \(Format.extents(layer.output))"
    let styled = terminal.styled(title, .heading)
    return title.count + 2 + shape.count <= terminal.width
      ? ["", styled + "  " + shape] : ["", styled, "  " + shape]
  }

  private func counts(_ layer: LayerReport) -> [String] {
    guard layer.parameters.total > 0 else { return [] }
    let weights =
      "\(Format.grouped(layer.parameters.weights)) weights "
      + "(\(Format.extents(layer.parameters.weightShape)))"
    return row(
      "parameters",
      "\(Format.grouped(layer.parameters.total)) = \(weights) + "
        + "\(Format.grouped(layer.parameters.biases)) biases, "
        + Format.bytes(layer.memoryBytes.parameters))
      + row(
        "work", "\(Format.grouped(layer.macs)) MACs = \(Format.grouped(layer.flops)) FLOPs")
  }

  private func agreement(_ layer: LayerReport) -> String {
    let verdict = layer.agrees ? "agree to within rounding" : "DIFFER by more than rounding"
    return "\(layer.versionNames) \(verdict)"
      + (layer.versions[.fast]?.difference.map {
        ": greatest difference of fast \(Format.value($0.absolute))"
      } ?? "")
  }

  private func checks(_ layer: LayerReport) -> [String] {
    guard let subject = layer.checkedOn else { return [] }
    var tensors: [String] = []
    for check in layer.checks where !tensors.contains(check.tensor) { tensors.append(check.tensor) }
    let wrong = layer.checks.filter { !$0.passed }
    let verdict =
      wrong.isEmpty
      ? "right in reference and fast"
      : "WRONG: "
        + wrong.map { "\($0.tensor) (\($0.version))" }.joined(separator: ", ")
    return row(
      "gradient", "by \(tensors.joined(separator: ", ")): \(verdict), checked on \(subject)")
  }

  private func text(_ statistics: Statistics) -> String {
    "mean \(Format.value(statistics.mean)), deviation \(Format.value(statistics.deviation)), "
      + "from \(Format.value(statistics.minimum)) to \(Format.value(statistics.maximum)), "
      + "\(Format.percent(statistics.zeroShare)) zeros"
  }

  /// Where values fall, without zeros: a line of bars between the least and the greatest.
  private func histogram(_ histogram: Histogram) -> [String] {
    guard histogram.counts.contains(where: { $0 > 0 }), histogram.lower < histogram.upper else {
      return []
    }
    let (lower, upper) = (Format.value(histogram.lower), Format.value(histogram.upper))
    var counts = histogram.counts
    while counts.count > 4, indent + lower.count + upper.count + counts.count + 2 > terminal.width {
      counts = stride(from: 0, to: counts.count, by: 2).map { counts[$0] + counts[$0 + 1] }
    }
    return row(
      "", ["\(lower) \(Bars.sparkline(counts, colours: terminal.colours)) \(upper)"])
  }
}

extension LayerReport {
  /// Reference and Fast, which stand side by side.
  var textbook: [VersionReport] { versions.filter { $0.version != .tuned } }

  /// `reference, fast and tuned`.
  var versionNames: String {
    let names = versions.map(\.version.rawValue)
    return names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
  }

  /// A direction, as a word in a sentence.
  enum Direction: String { case forwards, backwards }

  /// What this machine runs at its fastest, and in what time; `nil` where clocks weren't read.
  func tuned(_ directions: Direction...) -> String? {
    guard let tuned = versions[.tuned] else { return nil }
    let times = directions.compactMap { direction -> String? in
      let (seconds, difference) =
        direction == .forwards
        ? (tuned.forwardSeconds, tuned.difference)
        : (tuned.backwardSeconds, tuned.gradientDifference)
      return seconds.map {
        (directions.count > 1 ? direction.rawValue + " " : "") + Format.briefSeconds($0)
          + (difference.map { ", difference \(Format.magnitude($0.absolute))" } ?? "")
      }
    }
    guard !times.isEmpty else { return nil }
    let what =
      tuned.algorithm == "= fast"
      ? "Tuned runs Fast's layer: "
      : "Tuned runs instead: " + (tuned.algorithm.map { $0 + ", " } ?? "")
    return "on this machine " + what + times.joined(separator: ", ")
  }
}

extension LayerReport {
  /// How much of the image the output in the middle depends on, for a reader.
  var sight: String {
    let (rows, columns) = (seen.rows[1] - seen.rows[0] + 1, seen.columns[1] - seen.columns[0] + 1)
    let isCut = rows != receptiveField || columns != receptiveField
    let nominal =
      isCut ? " (\(receptiveField)×\(receptiveField) with what lies beyond the border)" : ""
    let apart = output[1] * output[2] > 1 ? ", neighbours \(stride) apart" : ""
    return "\(rows)×\(columns) pixels of the image\(nominal)\(apart)"
  }
}

extension LayerReport.Backward {
  /// The symbol of the gradient by a parameter.
  func symbol(_ parameter: String) -> String {
    ["weights": "∂L/∂w", "bias": "∂L/∂b"][parameter] ?? "∂L/∂\(parameter)"
  }

  /// What was left out of the comparison of the versions, if anything was.
  var kinkNote: String? {
    guard let besideKink, besideKink > 0 else { return nil }
    let elements = besideKink == 1 ? "1 element" : "\(besideKink) elements"
    return ", save \(elements) within rounding of a kink, where the versions took different sides"
  }
}

// MARK: - Pictures and numbers

extension TourText {
  /// Feature maps, a row for each group.
  func maps(_ layer: LayerReport) -> [String] {
    let groups = Set(layer.maps.map(\.group)).sorted()
    return groups.flatMap { group in
      let members = layer.maps.filter { $0.group == group }
      let label = groups.count == 1 ? "maps" : "group \(group + 1)"
      return pictures(
        label, members.map { ($0.raster, "ch \($0.channel)") }, side: tileSide)
    }
  }

  /// Weights, or their gradients, in colour.
  func filters(_ filters: [Raster], _ label: String) -> [String] {
    guard !filters.isEmpty else { return [] }
    return pictures(
      label, filters.enumerated().map { ($1, "k \($0)") }, side: min(tileSide, 11))
  }

  /// The parts of pictures that excite maps most.
  func peaks(_ layer: LayerReport) -> [String] {
    let found = layer.maps.filter { $0.peak != nil }
    guard !found.isEmpty else { return [] }
    let patches = found.compactMap { map in
      map.peak.map { (raster: $0.patch, caption: "ch \(map.channel)") }
    }
    return pictures("excited by", patches, side: min(tileSide, 15))
  }

  /// One value, computed by hand: where, from what, how, and what the versions have.
  func byHand(_ example: WorkedExample, of layer: LayerReport) -> [String] {
    let isOutput = example.quantity == "out"
    var lines = row(
      "by hand", (isOutput ? "" : "\(example.quantity) of ") + example.position)
    let isPointwise = layer.repeats != nil && layer.isInPlace
    if let window = example.window, window.kind == .positions, window.plane.width > 1, !isPointwise
    {
      lines += row("", drawing(window))
    }
    // Where, then from what, then how.
    for step in example.steps.prefix(1) { lines += row("", step) }
    lines += bars(example)
    for table in example.tables { lines += numbers(table) }
    for step in example.steps.dropFirst() { lines += row("", step) }
    for sums in example.sums { lines += row("", text(sums)) }
    for step in example.lastSteps { lines += row("", step) }
    return lines + row("", "= \(Format.value(example.byHand)) (\(list(example.versions)))")
  }

  /// `channels 64…79 add 0.1 (64), −0.2 (65); together −0.1`.
  private func text(_ sums: WorkedExample.PartialSums) -> String {
    "\(sums.name) add \(sums.text); together \(Format.value(sums.total))"
  }

  /// The input channel around the window, the window marked in it.
  private func drawing(_ window: WorkedExample.Window) -> [String] {
    // Three windows wide, so that it is seen where in its surroundings it lies.
    let side = min(max(3 * max(window.height, window.width), 24), 48)
    let plane = window.plane
    let top = min(max(window.top + window.height / 2 - side / 2, 0), max(plane.height - side, 0))
    let left = min(max(window.left + window.width / 2 - side / 2, 0), max(plane.width - side, 0))
    let part = plane.cropped(top: top, left: left, side: side)
    let room = max(min(terminal.width - indent, side), 8)
    let picture = part.shrunk(toFit: room)
    func scaled(_ position: Int, _ from: Int, _ to: Int) -> Int {
      min(max(position, 0), from - 1) * to / max(from, 1)
    }
    let frame = Tile.Frame(
      top: scaled(window.top - top, part.height, picture.height),
      left: scaled(window.left - left, part.width, picture.width),
      bottom: scaled(window.top + window.height - 1 - top, part.height, picture.height),
      right: scaled(window.left + window.width - 1 - left, part.width, picture.width))
    return Tile(picture, frame: frame, colours: terminal.colours).lines
  }

  /// Numbers in rows, "·" for padding. What is too wide is cut into blocks of columns.
  private func numbers(_ table: WorkedExample.NumberTable) -> [String] {
    guard table.isShown, let columns = table.rows.first?.count, columns > 0 else { return [] }
    let cells =
      (table.columnNames.isEmpty ? [] : [table.columnNames])
      + table.rows.map { $0.map { $0.map(Format.value) ?? "·" } }
    let names = (table.columnNames.isEmpty ? [] : [""]) + table.rowNames
    let nameWidth = names.map(\.count).max().map { $0 == 0 ? 0 : $0 + 1 } ?? 0
    let width = cells.joined().map(\.count).max() ?? 0
    let fitting = max((terminal.width - indent - nameWidth + 1) / (width + 1), 1)
    var lines = row("", "\(table.title):")
    for first in stride(from: 0, to: columns, by: fitting) {
      let last = min(first + fitting, columns)
      if fitting < columns, table.columnNames.isEmpty {
        lines += row("", "columns \(first)…\(last - 1)")
      }
      lines += row(
        "",
        cells.enumerated().map { index, line in
          (names.isEmpty ? "" : Format.padded(index < names.count ? names[index] : "", nameWidth))
            + line[first..<last].map { Format.padded($0, width, left: true) }
            .joined(separator: " ")
        })
    }
    return lines
  }

  /// The three columns of a softmax's gradient as bars: what is pushed up, and what down.
  private func bars(_ example: WorkedExample) -> [String] {
    guard let table = example.tables.first, table.columnNames.last == "p − onehot" else {
      return []
    }
    let room = max(min((terminal.width - indent - 14) / 3, 16), 4)
    func line(_ name: String, _ cells: [String]) -> String {
      var text = Format.padded(name, 10)
      for cell in cells { text += " " + Format.padded(String(cell.prefix(room)), room) }
      while text.last == " " { text.removeLast() }
      return text
    }
    func bar(_ value: Double) -> String {
      guard abs(value) >= 1e-3 else { return "" }
      return (value < 0 ? "−" : "")
        + Bars.horizontal(abs(value), room: room - 1, colours: terminal.colours)
    }
    var lines = [line("", table.columnNames)]
    for (name, values) in zip(table.rowNames, table.rows) {
      lines.append(line(name, values.map { bar($0 ?? 0) }))
    }
    return row("", lines)
  }
}
