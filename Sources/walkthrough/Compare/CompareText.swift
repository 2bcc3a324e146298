import Foundation

/// A comparison as lines of text.
struct CompareText {
  var report: CompareReport
  var terminal: Terminal

  func lines() -> [String] {
    heading() + [""] + table().lines() + [""] + chart() + [""] + totals()
  }

  /// Whether one layer was measured and no whole network.
  private var isOfOneLayer: Bool { report.totals.naive == nil && report.totals.fast == nil }

  private func heading() -> [String] {
    let only = isOfOneLayer ? report.layers.first.map { ", \($0.name) only" } : nil
    var lines = report.environment.heading(report.network + (only ?? ""))
    lines[0] = terminal.styled(lines[0], report.environment.build == "debug" ? .bad : .heading)
    return lines + [
      "roof \(rate(report.roof.gemmGigaflops)), measured on the products that im2col makes of a training step",
      "±: how far the furthest run was from the median",
      "differ: greatest difference of outputs or gradients, by their greatest magnitude",
    ]
  }

  /// Both directions of each layer, a line each.
  private func table() -> TextTable {
    var table = TextTable(
      header: [
        "layer", "", "naive", "optimized", "speed-up", "GFLOP/s", "of roof", "differ",
      ], textColumns: 2)
    for layer in report.layers {
      table.rows.append(
        row(
          layer.name, "forward", (layer.naiveForwardSeconds, layer.naiveForwardSecondsRange),
          (layer.fastForwardSeconds, layer.fastForwardSecondsRange), layer.forwardFlops,
          layer.maxRelativeDifference))
      table.rows.append(
        row(
          "", "backward", (layer.naiveBackwardSeconds, layer.naiveBackwardSecondsRange),
          (layer.fastBackwardSeconds, layer.fastBackwardSecondsRange), layer.backwardFlops,
          layer.maxRelativeGradientDifference))
    }
    return table
  }

  private func row(
    _ name: String, _ direction: String, _ naiveTimes: (median: Double?, range: [Double]?),
    _ fastTimes: (median: Double?, range: [Double]?), _ flops: Int, _ difference: Double?
  ) -> [String] {
    let (naive, fast) = (naiveTimes.median, fastTimes.median)
    let gigaflops = fast.map { Double(flops) / max($0, 1e-12) * 1e-9 }
    let works = flops > 0
    return [
      name, direction,
      naive.map { Format.briefSeconds($0) + spread($0, naiveTimes.range) } ?? "",
      fast.map { Format.briefSeconds($0) + spread($0, fastTimes.range) } ?? "",
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
    guard !isOfOneLayer else { return ["Without --layer, the whole network is measured, too."] }
    var table = TextTable(
      header: [
        "whole network", "forward", "training step", "GFLOP/s", "of roof", "peak memory",
      ])
    for (name, version) in [("naive", report.totals.naive), ("optimized", report.totals.fast)] {
      guard let version else { continue }
      table.rows.append([
        name, images(version.forwardImagesPerSecond, version.forwardImagesPerSecondRange),
        images(version.trainingImagesPerSecond, version.trainingImagesPerSecondRange),
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

  private func images(_ perSecond: Double, _ range: [Double]) -> String {
    Format.rate(perSecond) + " img/s" + spread(perSecond, range)
  }

  /// The spread behind a median; nothing where there was a single run.
  private func spread(_ median: Double, _ range: [Double]?) -> String {
    report.environment.repeats > 1 ? " " + Format.spread(median, range ?? []) : ""
  }

  private func rate(_ gigaflops: Double) -> String {
    String(format: "%.0f GFLOP/s", gigaflops)
  }
}
