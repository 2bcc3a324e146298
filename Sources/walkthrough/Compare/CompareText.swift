import Foundation

/// A comparison as lines of text.
struct CompareText {
  var report: CompareReport
  var terminal: Terminal

  func lines() -> [String] {
    heading() + [""] + table().lines() + [""] + chart() + [""] + totals()
  }

  private func heading() -> [String] {
    var lines = report.environment.heading(report.network)
    lines[0] = terminal.styled(lines[0], report.environment.build == "debug" ? .bad : .heading)
    return lines + [
      "roof \(rate(report.roof.gemmGigaflops)), measured on the products that im2col makes of a training step"
    ]
  }

  /// Both directions of each layer, a line each.
  private func table() -> TextTable {
    var table = TextTable(
      header: [
        "layer", "", "naive", "optimized", "speed-up", "GFLOP/s", "of roof", "difference",
      ], textColumns: 2)
    for layer in report.layers {
      table.rows.append(
        row(
          layer.name, "forward", layer.naiveForwardSeconds, layer.fastForwardSeconds,
          layer.forwardFlops, layer.maxRelativeDifference))
      table.rows.append(
        row(
          "", "backward", layer.naiveBackwardSeconds, layer.fastBackwardSeconds,
          layer.backwardFlops, nil))
    }
    return table
  }

  private func row(
    _ name: String, _ direction: String, _ naive: Double?, _ fast: Double?, _ flops: Int,
    _ difference: Double?
  ) -> [String] {
    let gigaflops = fast.map { Double(flops) / max($0, 1e-12) * 1e-9 }
    let works = flops > 0
    return [
      name, direction, naive.map(Format.seconds) ?? "", fast.map(Format.seconds) ?? "",
      naive.flatMap { naive in fast.map { Format.factor(naive / max($0, 1e-12)) } } ?? "",
      works ? gigaflops.map { String(format: "%.0f", $0) } ?? "" : "",
      works ? gigaflops.map { Format.percent($0 / report.roof.gemmGigaflops) } ?? "" : "",
      difference.map { String(format: "%.1e", $0) } ?? "",
    ]
  }

  /// Forward and backward time of each layer together, on a logarithmic scale.
  private func chart() -> [String] {
    let times = report.layers.map { layer in
      (
        name: layer.name,
        naive: sum(layer.naiveForwardSeconds, layer.naiveBackwardSeconds),
        fast: sum(layer.fastForwardSeconds, layer.fastBackwardSeconds)
      )
    }
    let all = times.flatMap { [$0.naive, $0.fast].compactMap { $0 } }.filter { $0 > 0 }
    guard let least = all.min(), let greatest = all.max() else { return [] }
    let room = max(10, min(terminal.width, 100) - 30)
    func bar(_ seconds: Double) -> String {
      // The shortest bar is one cell, the longest fills the room.
      let share = greatest > least ? log(seconds / least) / log(greatest / least) : 1
      return String(repeating: "█", count: 1 + Int(share * Double(room - 1)))
    }
    var lines = ["Both directions together, logarithmic: each cell is the same factor."]
    for time in times {
      for (version, seconds) in [("naive", time.naive), ("optimized", time.fast)] {
        guard let seconds, seconds > 0 else { continue }
        let name = version == "naive" || time.naive == nil ? time.name : ""
        lines.append(
          "\(Format.padded(name, 7)) \(Format.padded(version, 9)) \(bar(seconds)) "
            + Format.seconds(seconds))
      }
    }
    return lines
  }

  private func totals() -> [String] {
    var table = TextTable(
      header: [
        "whole network", "forward", "training step", "from … to", "GFLOP/s", "of roof",
        "peak memory",
      ])
    for (name, version) in [("naive", report.totals.naive), ("optimized", report.totals.fast)] {
      guard let version else { continue }
      table.rows.append([
        name, images(version.forwardImagesPerSecond), images(version.trainingImagesPerSecond),
        version.trainingImagesPerSecondRange.map { String(format: "%.3g", $0) }
          .joined(separator: " … "),
        String(format: "%.1f", version.trainingGigaflops),
        Format.percent(version.trainingGigaflops / report.roof.gemmGigaflops),
        Format.bytes(version.peakMemoryBytes),
      ])
    }
    return table.lines()
  }

  private func sum(_ forward: Double?, _ backward: Double?) -> Double? {
    forward.flatMap { forward in backward.map { forward + $0 } }
  }

  private func images(_ perSecond: Double) -> String {
    String(format: "%.3g img/s", perSecond)
  }

  private func rate(_ gigaflops: Double) -> String {
    String(format: "%.0f GFLOP/s", gigaflops)
  }
}
