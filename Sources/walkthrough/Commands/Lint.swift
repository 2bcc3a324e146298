import ArgumentParser
import CaffeFormats
import Foundation
import WholeFiles

/// What would go wrong with a network.
struct Lint: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what would go wrong in training a .prototxt, or in comparing it.",
    discussion: """
      Looks for weights that start at 0, random mirroring in a test net, automatic names, biases \
      that learn as weights do, blobs that nobody reads, shapes that don't fit, layers that this \
      project doesn't have, and poolings that round up where other frameworks round down. Each \
      finding has its line and its reason. What could not be looked into is named (not-seen): where \
      nothing is found, all has been looked into.

      The exit code is 0 when nothing is wrong in what could be looked into, 1 when something is.
      """)

  @Argument(help: "A network: train.prototxt, train_val.prototxt, deploy.prototxt, …")
  var file: String

  @Flag(help: "Print JSON for programs.")
  var json = false

  func run() throws {
    let findings = try NetPrototxt(contentsOf: URL(fileNamed: file)).lint()
    if json {
      print(try JSON.text(findings.map(FindingRow.init)))
    } else if findings.isEmpty {
      print("\(file): nothing found")
    } else {
      print(Escaping.visible(findings.map(\.description).joined(separator: "\n")))
    }
    if findings.contains(where: { $0.rule != .notSeen }) { throw ExitCode.failure }
  }
}

/// A finding as programs get it.
private struct FindingRow: Encodable {
  var rule: String
  var file: String
  var line: Int?
  var column: Int?
  var message: String
  var reason: String

  init(_ finding: LintFinding) {
    rule = finding.rule.rawValue
    file = finding.file
    line = finding.position?.line
    column = finding.position?.column
    message = finding.message
    reason = finding.reason
  }
}
