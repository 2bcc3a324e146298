import Foundation

// A layer as lines of text, on the way forwards and on the way back.

extension TourText {
  /// A layer on the way forwards.
  func forward(_ layer: LayerReport) -> [String] {
    var lines = heading(layer) + terminal.wrapped(layer.explanation, indent: 2)
    lines += row("formula", layer.formula)
    for (index, line) in layer.arithmetic.enumerated() {
      lines += row(index == 0 ? "shape" : "", line)
    }
    lines += counts(layer)
    lines += row(
      "memory",
      layer.isInPlace ? "in place: none of its own" : Format.bytes(layer.memoryBytes.output))
    lines += row(
      "sees",
      "\(layer.receptiveField)×\(layer.receptiveField) pixels of the image, "
        + "\(layer.stride) apart")
    lines += row("output", text(layer.statistics))
    lines += histogram(layer.histogram)
    if let silence = layer.silence {
      let what = layer.maps.isEmpty ? "units" : "channels"
      lines += row("dead", "\(silence.dead) of \(silence.count) \(what) are 0 everywhere here")
    }
    lines += byHand(layer.example)
    lines += bars("time", layer.textbook, \.forwardSeconds)
    lines += row("versions", agreement(layer)) + row("", layer.tuned(.forwards) ?? "")
    lines += checks(layer)
    let algorithm = layer.versions[.fast]?.algorithm.map { " (\($0))" } ?? ""
    lines += row("code", layer.source.reference) + row("", layer.source.fast + algorithm)
    return lines + maps(layer) + filters(layer.filters, "filters") + peaks(layer)
  }

  /// A layer on the way back.
  func backward(_ layer: LayerReport) -> [String] {
    guard let backward = layer.backward else { return [] }
    var lines = ["", terminal.styled("\(layer.name), backwards", .strong)]
    lines += terminal.wrapped(backward.explanation, indent: 2)
    if let gradient = backward.inputGradient {
      lines += row("∂L/∂in", text(gradient))
      if let histogram = backward.inputHistogram { lines += self.histogram(histogram) }
    } else {
      lines += row("∂L/∂in", "not computed: nobody needs the gradient of the image")
    }
    for (name, statistics) in backward.parameterGradients.sorted(by: { $0.key > $1.key }) {
      lines += row("∂L/∂\(name == "weights" ? "w" : "b")", text(statistics))
      if let histogram = backward.parameterHistograms[name] {
        lines += self.histogram(histogram)
      }
    }
    lines += bars("time", layer.textbook, \.backwardSeconds)
    if let difference = layer.versions[.fast]?.gradientDifference {
      lines += row(
        "versions",
        "greatest difference \(Format.value(difference.absolute)) of "
          + Format.value(backward.largestMagnitude) + (backward.kinkNote ?? ""))
    }
    lines += row("", layer.tuned(.backwards) ?? "")
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

extension LayerReport.Backward {
  /// What was left out of the comparison of the versions, if anything was.
  var kinkNote: String? {
    guard let besideKink, besideKink > 0 else { return nil }
    let elements = besideKink == 1 ? "1 element" : "\(besideKink) elements"
    return ", save \(elements) within rounding of a kink, where the versions took different sides"
  }
}
