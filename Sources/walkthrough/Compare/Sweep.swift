import Fast
import Foundation
import Networks

/// How speed and memory of the optimized version grow with the batch or the threads.
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
  /// Of the other quantity.
  var batch: Int
  var threads: Int
  var repeats: Int
  var seed: UInt32

  /// Measures at every value.
  func run() throws -> SweepReport {
    let values = variable.values
    let progress = Progress(
      steps: values.count * WholeNetwork.steps(warmup: 1, repeats: repeats))
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
      let version = try network.measure(
        FastBackend<Float>(engine: engine), name: "\(variable.rawValue) \(value)")
      return SweepReport.Point(value: value, version: version)
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
    var version: CompareReport.Version
  }

  var network: String
  var variable: String
  var environment: CompareReport.Environment
  var points: [Point]

  /// The sweep as lines of text.
  func lines() -> [String] {
    var table = TextTable(
      header: [variable, "forward img/s", "training img/s", "GFLOP/s", "peak memory"],
      textColumns: 0)
    table.rows = points.map { point in
      [
        String(point.value),
        speed(point.version.forwardImagesPerSecond, point.version.forwardImagesPerSecondRange),
        speed(point.version.trainingImagesPerSecond, point.version.trainingImagesPerSecondRange),
        String(format: "%.1f", point.version.trainingGigaflops),
        Format.bytes(point.version.peakMemoryBytes),
      ]
    }
    return environment.heading(
      "\(network), optimized version", varying: variable) + [""] + table.lines()
  }

  /// Images a second and how far the runs spread, if there were several.
  private func speed(_ median: Double, _ range: [Double]) -> String {
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
          bars: [
            ("forward", point.version.forwardImagesPerSecond),
            ("training", point.version.trainingImagesPerSecond),
          ].map { series, speed in
            SVGBars.Bar(
              series: series, value: speed,
              label: Format.rate(speed) + " img/s"
                + (series == "training" ? ", " + Format.bytes(point.version.peakMemoryBytes) : ""))
          })
      },
      axis: { String(format: "%.3g img/s", $0) }
    ).document()
  }
}
