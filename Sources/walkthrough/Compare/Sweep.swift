import Fast
import Foundation
import Networks

/// How speed and memory of some versions grow with the batch or the threads.
struct Sweep {
  /// What is varied.
  enum Variable: String, CaseIterable {
    case batch
    case threads

    /// The values it takes: powers of two up to 256 images, and all numbers of threads up to the
    /// number of cores, but no more than about ten of them.
    var values: [Int] {
      switch self {
      case .batch:
        return (0...8).map { 1 << $0 }
      case .threads:
        let cores = Engine.shared.threads
        let step = max(1, (cores + 9) / 10)
        return Array(Set(Array(stride(from: 1, through: cores, by: step)) + [cores])).sorted()
      }
    }
  }

  var variable: Variable
  var definition: NetworkDefinition
  /// Slow ones first.
  var versions: [Version]
  /// Of the other quantity.
  var batch: Int
  var threads: Int
  var repeats: Int
  var seed: UInt32

  /// Measures at every value.
  func run() throws -> SweepReport {
    let values = variable.values
    let progress = Progress(
      steps: versions.count * values.count * WholeNetwork.steps(warmup: 1, repeats: repeats))
    let networks = values.map { value in
      WholeNetwork(
        definition: definition, batch: variable == .batch ? value : batch,
        threads: variable == .threads ? value : threads, warmup: 1, repeats: repeats, seed: seed,
        progress: progress)
    }
    // Of the greatest too, before minutes are spent on the others.
    for network in networks { try network.memoryNeed.require() }
    let points = try zip(values, networks).map { value, network in
      let engine = Engine(threads: network.threads)
      return SweepReport.Point(
        value: value,
        versions: try versions.map { version in
          try network.measure(
            version, engine, name: "\(variable.rawValue) \(value), \(version.rawValue)")
        })
    }
    progress.finish()
    return SweepReport(
      network: definition.name, variable: variable.rawValue,
      environment: .current(threads: threads, batch: batch, warmup: 1, repeats: repeats),
      points: points)
  }
}

/// What a sweep found.
struct SweepReport: Encodable {
  struct Point: Encodable {
    var value: Int
    /// Slow ones first.
    var versions: [CompareReport.Speed]

    private enum CodingKeys: CodingKey { case value, versions, version }

    /// Under `version` stands what was there when one version was swept: that of Fast.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(value, forKey: .value)
      try container.encode(versions, forKey: .versions)
      let former = versions.first { $0.version == .fast } ?? versions.last
      try container.encodeIfPresent(former, forKey: .version)
    }
  }

  var network: String
  var variable: String
  var environment: CompareReport.Environment
  var points: [Point]

  /// The sweep as lines of text.
  func lines() -> [String] {
    var table = TextTable(
      header: [variable, "version", "forward img/s", "training img/s", "GFLOP/s", "peak memory"],
      textColumns: 2)
    table.rows = points.flatMap { point in
      point.versions.enumerated().map { index, speed in
        [
          index == 0 ? String(point.value) : "", speed.version.rawValue,
          rate(speed.forwardImagesPerSecond, speed.forwardImagesPerSecondRange),
          rate(speed.trainingImagesPerSecond, speed.trainingImagesPerSecondRange),
          String(format: "%.1f", speed.trainingGigaflops), Format.bytes(speed.peakMemoryBytes),
        ]
      }
    }
    return environment.heading(network, varying: variable) + [""] + table.lines()
  }

  /// Images a second and how far the runs spread, if there were several.
  private func rate(_ median: Double, _ range: [Double]) -> String {
    Format.rate(median)
      + (environment.repeats > 1 ? " " + Format.spread(median, range) : "")
  }

  /// The speeds as an SVG chart.
  func svg() -> String {
    SVGBars(
      title: "\(network): images a second against \(variable), logarithmic",
      subtitle: environment.caption(varying: variable) + ", " + environment.blas,
      groups: points.map { point in
        SVGBars.Group(
          name: "\(variable) \(point.value)",
          bars: point.versions.flatMap { speed in
            [
              ("forward", speed.forwardImagesPerSecond, ""),
              ("training", speed.trainingImagesPerSecond, Format.bytes(speed.peakMemoryBytes)),
            ].map { direction, rate, memory in
              SVGBars.Bar(
                series: "\(speed.version.rawValue) \(direction)", value: rate,
                label: Format.rate(rate) + " img/s" + (memory.isEmpty ? "" : ", " + memory))
            }
          })
      },
      axis: { String(format: "%.3g img/s", $0) }
    ).document()
  }
}
