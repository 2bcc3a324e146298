import ArgumentParser
import Fast
import Foundation
import Networks
import WholeFiles

/// How fast the versions are, and how far apart.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares the speed of the versions, and their results.",
    discussion: """
      Times are medians, ± says how far the furthest run was from the median, and × how many times \
      as fast a version is as the one before it. The difference is the greatest between a version's \
      outputs and those of reference, or backwards between their gradients (with respect to the \
      layer's input and to its parameters), as a share of each tensor's largest magnitude. The \
      algorithm is that of the last version. What doesn't fit into the window is left out: first the \
      share of the peak, then ±. The GEMM peak is what OpenBLAS reaches on the matrix products that \
      im2col makes of a training step, on all threads in the same run. Convolutions that need fewer \
      multiplications may pass it.
      """)

  @Option(help: "The network: \(NetworkChoice.list).")
  var network = NetworkChoice.caffenet

  @Option(parsing: .unconditional, help: "The number of images in a batch; 1 if left out.")
  var batch: Int?

  @Option(parsing: .unconditional, help: "The number of threads; all cores if left out.")
  var threads: Int?

  @Option(
    help: "Which versions to run, with commas between them; reference,fast,tuned if left out.",
    transform: VersionList.init(parsing:))
  var version: VersionList?

  @OptionGroup var exactness: ExactOption

  @Option(help: "Measure one layer only, by name, and no whole network.")
  var layer: String?

  @Option(parsing: .unconditional, help: "How often each time is measured.")
  var repeats = 5

  @Option(parsing: .unconditional, help: "The start of all randomness.")
  var seed: UInt32 = 1

  @Option(help: "Vary the batch or the threads and show how speed and memory grow.")
  var sweep: Sweep.Variable?

  @Option(help: "Write the bar chart as SVG to this file.")
  var svg: String?

  @Flag(help: "Print JSON for programs.")
  var json = false

  @OptionGroup var writing: Writing

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
    try validateSweep()
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
    guard sweep != .threads || version?.versions.contains(.reference) != true else {
      throw ValidationError(
        "--sweep threads: reference runs on one thread; take --version fast,tuned.")
    }
  }

  func run() throws { try exactness { try runVersions() } }

  private func runVersions() throws {
    try writing.check(svg, mark: .drawing)
    let definition = network.definition()
    let (batch, threads) = (batch ?? 1, threads ?? Engine.shared.threads)
    if let sweep {
      let report = try Sweep(
        variable: sweep, definition: definition,
        versions: (version ?? VersionList(.fast, .tuned)).versions, batch: batch, threads: threads,
        repeats: repeats, seed: seed
      ).run()
      print(json ? try JSON.text(report) : report.lines().joined(separator: "\n"))
      try write(report.svg())
      return
    }
    var comparison = Comparison(
      definition: definition, batch: batch, threads: threads, warmup: 1, repeats: repeats,
      versions: (version ?? VersionList(.reference, .fast, .tuned)).versions,
      only: try layer.map { try definition.index(of: $0) }, seed: seed,
      progress: Progress(steps: 0))
    comparison.progress = Progress(steps: comparison.steps)
    let report = try comparison.run()
    print(
      json
        ? try JSON.text(report)
        : CompareText(report: report, terminal: .current).lines().joined(separator: "\n"))
    try write(report.svg())
  }

  /// Writes a chart where `--svg` says, if it does.
  private func write(_ chart: String) throws {
    guard let svg else { return }
    try WholeFile.write(Array(chart.utf8), to: URL(fileNamed: svg))
  }
}

extension Sweep.Variable: ExpressibleByArgument {}
