import BrokenLayers
import Foundation
import GradientChecking

/// What this checker and Caffe's tolerances find of the gallery of broken layers.
struct GalleryReport: Encodable {
  struct Member: Encodable {
    var name: String
    var bug: String
    var isCaught: Bool
    var isCaughtByCaffe: Bool
  }

  var members: [Member]
  /// Whether this checker has caught them all.
  var passed: Bool { members.allSatisfy(\.isCaught) }

  init(seed: UInt64) throws {
    members = try BrokenLayer.gallery.map { broken in
      Member(
        name: broken.name, bug: broken.bug,
        isCaught: try !broken.check(options: CheckOptions(seed: seed)).passed,
        isCaughtByCaffe: try !broken.checkAsCaffe(seed: seed).passed)
    }
  }
}

/// The gallery of broken layers as text.
struct GalleryText {
  var terminal: Terminal

  /// A line for each broken layer.
  func lines(_ report: GalleryReport) -> [String] {
    var table = TextTable(header: ["name", "bug", "this checker", "Caffe's"], textColumns: 4)
    table.rows = report.members.map { member in
      [
        member.name, member.bug, member.isCaught ? "caught" : "MISSED",
        member.isCaughtByCaffe ? "caught" : "missed",
      ]
    }
    return table.lines()
  }

  /// One broken layer: its bug, and the check that finds it.
  func lines(_ broken: BrokenLayer, _ report: GradientReport, seed: UInt64) throws -> [String] {
    let caffe = try broken.checkAsCaffe(seed: seed)
    let text = CheckText(report: report, terminal: terminal)
    return [terminal.styled("\(broken.name): \(broken.type)", .heading)]
      + terminal.wrapped(broken.bug) + ["", broken.code, ""] + text.lines() + text.stepTable()
      + [
        "", caffe.passed ? "Caffe's tolerances would pass it." : "Caffe's tolerances catch it too.",
      ]
  }
}
