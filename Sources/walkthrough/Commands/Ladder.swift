import ArgumentParser
import Fast
import Foundation
import Ladder
import Layers
import Networks
import WholeFiles

/// One convolution, from the formula to the fastest way that we know.
struct LadderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ladder",
    abstract: "Climbs from the formula of a convolution to its fastest form, rung by rung.",
    discussion: """
      Each rung is a complete convolution of 15 to 60 lines in Sources/Ladder and differs from the \
      one before it by one idea. All compute the same layer on the same numbers, in turn. Times are \
      medians. GFLOP/s count the multiplications and additions of the formula, so that a rung that \
      needs fewer of them may pass the peak. The peak is what the processor reaches on vectors in \
      registers, on as many threads, in the same run. The difference is the greatest from \
      Reference, as a share of Reference's largest magnitude. Below the rungs stand the layers of \
      Sources/Fast and Sources/Tuned.
      """)

  @Option(help: "The network: \(NetworkChoice.list).")
  var network = NetworkChoice.caffenet

  @Option(help: "The convolution, by name.")
  var layer = "conv2"

  @Option(help: "forward; weights or input for the gradient with respect to these.")
  var pass = Pass.forward

  @Option(parsing: .unconditional, help: "The number of images in a batch.")
  var batch = 4

  @Option(parsing: .unconditional, help: "The number of threads; all cores if left out.")
  var threads: Int?

  @Option(parsing: .unconditional, help: "How often each time is measured.")
  var repeats = 5

  @Option(
    parsing: .unconditional,
    help: "Print the code of a rung, with the lines marked that the rung below doesn't have.")
  var code: Int?

  @Option(help: "Write the bar chart as SVG to this file.")
  var svg: String?

  @OptionGroup var writing: Writing

  @Flag(help: "Print JSON for programs.")
  var json = false

  func validate() throws {
    guard (1...256).contains(batch) else {
      throw ValidationError("--batch \(batch): must be from 1 to 256.")
    }
    guard (1...1024).contains(threads ?? 1) else {
      throw ValidationError("--threads \(threads ?? 1): must be from 1 to 1024.")
    }
    guard (1...1000).contains(repeats) else {
      throw ValidationError("--repeats \(repeats): must be from 1 to 1000.")
    }
    guard ladder.indices.contains(code ?? 0) else {
      throw ValidationError("--code \(code ?? 0): the rungs are 0 to \(ladder.count - 1).")
    }
    let measuresAsUsual =
      network == .caffenet && layer == "conv2" && pass == .forward && batch == 4
      && threads == nil && repeats == 5 && svg == nil && !json
    guard code == nil || measuresAsUsual else {
      throw ValidationError(
        "--code prints code and measures nothing: leave out all other options.")
    }
  }

  func run() throws {
    if let code {
      print(try RungCode(code).lines(.current).joined(separator: "\n"))
      return
    }
    try writing.check(svg, mark: .drawing)
    let definition = network.definition()
    let index = try definition.index(of: layer)
    let report = try LadderMeasurement(
      definition: definition, layer: index, pass: pass, batch: batch,
      threads: threads ?? Engine.shared.threads, repeats: repeats
    ).report()
    print(
      try json
        ? JSON.text(report) : report.lines(.current).joined(separator: "\n"))
    if let svg { try WholeFile.write(Array(report.svg().utf8), to: URL(fileNamed: svg)) }
  }
}

extension Pass: ExpressibleByArgument {}
