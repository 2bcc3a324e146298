import Foundation

/// A comparison as lines of text.
struct CompareText {
  var report: CompareReport
  var terminal: Terminal

  func lines() -> [String] {
    heading() + [""] + layers() + [""] + chart() + [""] + totals()
  }

  private func heading() -> [String] {
    // One layer was measured, and no whole network.
    let only = report.speeds.isEmpty ? report.layers.first.map { ", \($0.name) only" } : nil
    var lines = report.environment.heading(report.network + (only ?? ""))
    lines[0] = terminal.styled(lines[0], report.environment.build == "debug" ? .bad : .heading)
    let peak = String(format: "%.0f GFLOP/s", report.peak.gemmGigaflops)
    lines.append("GEMM peak \(peak): OpenBLAS's SGEMM on what im2col makes of a training step")
    if versions.count > 1 { lines.append("×: times as fast as the version before") }
    if versions.first == .reference && versions.count > 1 {
      lines.append("diff: greatest difference from reference by its greatest magnitude")
    }
    return lines
  }

  private var versions: [Version] { report.layers.first?.versions.map(\.version) ?? [] }

  // MARK: - Layers

  /// Both directions of each layer, a line each, with as much as fits; a list where a table doesn't.
  private func layers() -> [String] {
    // Of one run there is no spread.
    let repeats = report.environment.repeats > 1
    let tables = [(true, true), (true, false), (false, true), (false, false)].lazy
      .filter { repeats || !$0.0 }
      .map { table(withSpread: $0.0, withPeak: $0.1).lines() }
    return tables.first { $0[0].count <= terminal.width && $0[1].count <= terminal.width } ?? list()
  }

  private func table(withSpread: Bool, withPeak: Bool) -> TextTable {
    var table = TextTable(header: ["layer"], endsWithText: true)
    /// Adds a column with a cell for each direction.
    func add(_ title: String, attached: Bool) {
      if attached { table.attached.insert(table.header.count) }
      table.header.append(title)
    }
    for (index, version) in versions.enumerated() {
      add(version.rawValue, attached: false)
      if withSpread { add("±", attached: true) }
      if index > 0 { add("×", attached: true) }
      if index > 0 && versions[0] == .reference { add("diff", attached: true) }
    }
    if withPeak { add("of peak", attached: false) }
    add("algorithm", attached: false)

    let nameWidth = report.layers.map(\.name.count).max() ?? 0
    for layer in report.layers {
      let algorithm = wrapped(layer.versions.last?.algorithm ?? "")
      for direction in Direction.allCases {
        let isForward = direction == .forward
        var cells = [
          Format.padded(isForward ? layer.name : "", nameWidth) + " " + direction.rawValue
        ]
        for (index, version) in layer.versions.enumerated() {
          let seconds = direction.seconds(version)
          cells.append(seconds.map(Format.briefSeconds) ?? "")
          if withSpread { cells.append(direction.spread(version)) }
          if index > 0 {
            cells.append(factor(direction.seconds(layer.versions[index - 1]), seconds))
            if versions[0] == .reference {
              let difference = direction.difference(version)?.relative
              cells.append(difference.map(Format.magnitude) ?? "")
            }
          }
        }
        if withPeak { cells.append(ofPeak(layer, direction)) }
        table.rows.append(cells + [isForward ? algorithm.first : algorithm.second])
      }
    }
    return table
  }

  /// A direction after the other, a line for each version.
  private func list() -> [String] {
    report.layers.flatMap { layer in
      Direction.allCases.flatMap { direction in
        [terminal.styled("\(layer.name) \(direction.rawValue)", .strong)]
          + layer.versions.enumerated().flatMap { index, version in
            let seconds = direction.seconds(version)
            let before = index > 0 ? direction.seconds(layer.versions[index - 1]) : nil
            let parts = [
              seconds.map(Format.briefSeconds), before.map { factor($0, seconds) },
              direction.difference(version).map { "diff \(Format.magnitude($0.relative))" },
              version.algorithm,
            ]
            return terminal.wrapped(
              "\(version.version.rawValue): " + parts.compactMap(\.self).joined(separator: ", "),
              indent: 2)
          }
      }
    }
  }

  /// An algorithm beside the two lines of a layer.
  private func wrapped(_ algorithm: String) -> (first: String, second: String) {
    let lines = Terminal(width: 14, isStyled: false, isInteractive: false).wrapped(algorithm)
    return (lines.first ?? "", lines.dropFirst().joined(separator: " "))
  }

  /// The rate of the last version as a share of the peak.
  private func ofPeak(_ layer: CompareReport.Layer, _ direction: Direction) -> String {
    let flops = direction == .forward ? layer.forwardFlops : layer.backwardFlops
    guard flops > 0, let seconds = layer.versions.last.flatMap(direction.seconds) else { return "" }
    return Format.percent(Double(flops) / max(seconds, 1e-12) * 1e-9 / report.peak.gemmGigaflops)
  }

  private func factor(_ before: Double?, _ seconds: Double?) -> String {
    before.flatMap { before in seconds.map { Format.factor(before / max($0, 1e-12)) } } ?? ""
  }

  /// What a line of the table is of.
  private enum Direction: String, CaseIterable {
    case forward, backward

    func seconds(_ report: VersionReport) -> Double? {
      self == .forward ? report.forwardSeconds : report.backwardSeconds
    }

    func difference(_ report: VersionReport) -> Difference? {
      self == .forward ? report.difference : report.gradientDifference
    }

    func spread(_ report: VersionReport) -> String {
      let range = self == .forward ? report.forwardSecondsRange : report.backwardSecondsRange
      return seconds(report).map { Format.spread($0, range ?? []) } ?? ""
    }
  }

  // MARK: - Chart and whole network

  /// Forward and backward time of each layer together, on a logarithmic scale.
  private func chart() -> [String] {
    let all = report.layers.flatMap { $0.versions.compactMap(\.seconds) }.filter { $0 > 0 }
    guard let least = all.min(), let greatest = all.max() else { return [] }
    let room = max(10, min(terminal.width, 100) - 30)
    func bar(_ seconds: Double) -> String {
      // The shortest bar is one cell, the longest fills the room.
      let share = greatest > least ? log(seconds / least) / log(greatest / least) : 1
      return String(repeating: "█", count: 1 + Int(share * Double(room - 1)))
    }
    var lines = ["Both directions together, logarithmic: each cell is the same factor."]
    for layer in report.layers {
      for (index, version) in layer.versions.enumerated() {
        guard let seconds = version.seconds, seconds > 0 else { continue }
        lines.append(
          "\(Format.padded(index == 0 ? layer.name : "", 7)) "
            + "\(Format.padded(version.version.rawValue, 9)) \(bar(seconds)) "
            + Format.seconds(seconds))
      }
    }
    return lines
  }

  private func totals() -> [String] {
    guard !report.speeds.isEmpty else {
      return ["Without --layer, the whole network is measured, too."]
    }
    var table = TextTable(
      header: [
        "network", "forward img/s", "training img/s", "×", "GFLOP/s", "of peak", "peak memory",
      ])
    for (index, speed) in report.speeds.enumerated() {
      let before = index > 0 ? report.speeds[index - 1].trainingImagesPerSecond : nil
      table.rows.append([
        speed.version.rawValue,
        images(speed.forwardImagesPerSecond, speed.forwardImagesPerSecondRange),
        images(speed.trainingImagesPerSecond, speed.trainingImagesPerSecondRange),
        before.map { Format.factor(speed.trainingImagesPerSecond / max($0, 1e-12)) } ?? "",
        String(format: "%.1f", speed.trainingGigaflops),
        Format.percent(speed.trainingGigaflops / report.peak.gemmGigaflops),
        Format.bytes(speed.peakMemoryBytes),
      ])
    }
    return table.lines()
  }

  private func images(_ perSecond: Double, _ range: [Double]) -> String {
    Format.rate(perSecond)
      + (report.environment.repeats > 1 ? " " + Format.spread(perSecond, range) : "")
  }
}

extension CompareReport {
  /// A bar for each version of each layer, on a logarithmic scale, its number beside it: an SVG
  /// document.
  func svg() -> String {
    SVGBars(
      title: "\(network): forward and backward time of each layer, logarithmic",
      subtitle: environment.caption(),
      groups: layers.map { layer in
        SVGBars.Group(
          name: layer.name,
          bars: layer.versions.compactMap { version in
            version.seconds.map {
              SVGBars.Bar(
                series: version.version.rawValue, value: $0, label: Format.seconds($0))
            }
          })
      }
    ).document()
  }
}
