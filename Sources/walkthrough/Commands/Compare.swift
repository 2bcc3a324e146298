import ArgumentParser
import Fast
import Foundation
import Networks
import WholeFiles

/// Naive against optimized speed.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares the speed of the naive and the optimized version, and their results.",
    discussion: """
      Times are medians, and ± says how far the furthest run was from the median. The difference is \
      the greatest between the outputs of the two, or backwards between their gradients (of the \
      layer's input and of its parameters), as a share of each tensor's largest magnitude. The roof is what the matrix \
      products that im2col makes of the network reach by themselves, on all threads in the same run. \
      Convolutions that leave the padding's multiplications out may pass it.
      """)

  @Option(help: "The network: caffenet, alexnet or mini.")
  var network = NetworkChoice.caffenet

  @Option(parsing: .unconditional, help: "The number of images in a batch; 1 if left out.")
  var batch: Int?

  @Option(parsing: .unconditional, help: "The number of threads; all cores if left out.")
  var threads: Int?

  @Option(help: "Which version to run: reference, fast or both; both if left out.")
  var version: VersionChoice?

  @Option(help: "Measure one layer only, by name, and no whole network.")
  var layer: String?

  @Option(parsing: .unconditional, help: "How often each time is measured.")
  var repeats = 5

  @Option(parsing: .unconditional, help: "The start of all randomness.")
  var seed: UInt32 = 1

  @Option(help: "Vary the batch or the threads and show how speed and memory grow.")
  var sweep: Sweep.Variable?

  @Flag(help: "Run the optimized version without each of its tricks and show what it gains.")
  var tricks = false

  @Option(help: "Write the bar chart as SVG to this file.")
  var svg: String?

  @Flag(help: "Print JSON for programs.")
  var json = false

  func validate() throws {
    guard (1...65_536).contains(batch ?? 1) else {
      throw ValidationError("--batch \(batch ?? 1): must be from 1 to 65536.")
    }
    guard (1...1024).contains(threads ?? 1) else {
      throw ValidationError("--threads \(threads ?? 1): must be from 1 to 1024.")
    }
    guard (1...1000).contains(repeats) else {
      throw ValidationError("--repeats \(repeats): must be from 1 to 1000.")
    }
    guard !tricks || sweep == nil && svg == nil && layer == nil else {
      throw ValidationError("--tricks makes a table of its own: leave out --sweep, --svg, --layer.")
    }
    try validateSweep()
    let mode = tricks ? "--tricks" : sweep == nil ? nil : "--sweep"
    if let mode, let version, version != .fast {
      throw ValidationError(
        "\(mode) measures the optimized version alone: leave out --version, or say --version fast.")
    }
  }

  /// Refuses what a sweep would have to ignore.
  private func validateSweep() throws {
    guard let sweep else { return }
    guard layer == nil else {
      throw ValidationError("--sweep measures the whole network: leave out --layer.")
    }
    guard sweep != .batch || batch == nil else {
      throw ValidationError("--sweep batch takes 1 to 256 images in turn: leave out --batch.")
    }
    guard sweep != .threads || threads == nil else {
      throw ValidationError("--sweep threads takes 1 to all cores in turn: leave out --threads.")
    }
  }

  func run() throws {
    let definition = network.definition()
    let (batch, threads) = (batch ?? 1, threads ?? Engine.shared.threads)
    if tricks {
      let report = try TrickComparison(
        definition: definition, batch: batch, threads: threads, repeats: repeats, seed: seed
      ).run()
      print(json ? try JSON.text(report) : report.lines().joined(separator: "\n"))
      return
    }
    if let sweep {
      let report = try Sweep(
        variable: sweep, definition: definition, batch: batch, threads: threads,
        repeats: repeats, seed: seed
      ).run()
      print(json ? try JSON.text(report) : report.lines().joined(separator: "\n"))
      try write(report.svg())
      return
    }
    var comparison = Comparison(
      definition: definition, batch: batch, threads: threads, warmup: 1, repeats: repeats,
      versions: version ?? .both, only: try layer.map { try definition.index(of: $0) }, seed: seed,
      progress: Progress(steps: 0))
    comparison.progress = Progress(steps: comparison.steps)
    let report = try comparison.run()
    print(
      json
        ? try JSON.text(report)
        : CompareText(report: report, terminal: .current).lines().joined(separator: "\n"))
    try write(CompareChart(report: report).svg())
  }

  /// Writes a chart where `--svg` says, if it does.
  private func write(_ chart: String) throws {
    guard let svg else { return }
    try WholeFile.write(Array(chart.utf8), to: URL(filePath: svg))
  }
}

extension Sweep.Variable: ExpressibleByArgument {}

/// Which of the two versions a command runs.
enum VersionChoice: String, CaseIterable, ExpressibleByArgument {
  case reference
  case fast
  case both

  var includesNaive: Bool { self != .fast }
  var includesFast: Bool { self != .reference }
}
