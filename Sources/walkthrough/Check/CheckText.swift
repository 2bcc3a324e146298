import BrokenLayers
import Foundation
import GradientChecking

/// A report of gradient checks as lines of text.
struct CheckText {
  var report: GradientReport
  var terminal: Terminal

  /// A line for each tensor, the verdict, and what is wrong.
  func lines() -> [String] {
    var table = TextTable(
      header: [
        "layer", "version", "by", "checked", "relative error", "error / bar", "dual numbers",
        "kinks", "verdict",
      ], textColumns: 3)
    table.rows = report.tensors.map { tensor in
      [
        tensor.layer, tensor.version, tensor.tensor,
        tensor.checked == 0 ? "\(tensor.directions) directions" : String(tensor.checked),
        number(tensor.worstRelativeError), String(format: "%.2f", tensor.worstErrorOverBar),
        tensor.dualRelativeError.map(number) ?? "–", String(tensor.kinks),
        tensor.passed ? "right" : "WRONG",
      ]
    }
    table.fit(Terminal.windowWidth, leavingOut: [7, 6, 5])
    let wrong = report.tensors.filter { !$0.passed }
    let verdict =
      report.passed
      ? terminal.styled("All \(report.tensors.count) gradients are right.", .good)
      : terminal.styled(
        "\(wrong.count) of \(report.tensors.count) gradients are wrong, "
          + "\(report.violations.count) rules are broken.", .bad)
    return table.lines() + ["", verdict] + failures(wrong)
  }

  private func failures(_ wrong: [TensorReport]) -> [String] {
    guard !report.passed else { return [] }
    return ["", GradientReport(tensors: wrong, violations: report.violations).explanation]
  }

  /// The error against the step for the worst element: a V between rounding and truncation.
  func stepTable() -> [String] {
    let worst = report.tensors.filter { $0.worst != nil }
      .max { $0.worstErrorOverBar < $1.worstErrorOverBar }
    guard let worst, let element = worst.worst else { return [] }
    return [
      "", "The worst element, \(worst.layer) \(worst.tensor) (\(worst.version)):",
    ] + element.lines + ["", element.stepTable]
  }

  /// The same for second derivatives.
  static func lines(_ report: SecondReport, terminal: Terminal) -> [String] {
    var table = TextTable(
      header: [
        "layer", "version", "vᵀHu", "uᵀHv − vᵀHu", "moved", "checked", "error / bar", "verdict",
      ], textColumns: 2)
    table.rows = report.symmetries.map {
      [
        $0.layer, $0.version, String(format: "%.6g", $0.first), number($0.second - $0.first), "",
        "", "",
        $0.passed ? "symmetric" : "WRONG",
      ]
    }
    table.rows += report.quotients.tensors.map { tensor in
      [
        tensor.layer, tensor.version, "", "", tensor.tensor,
        tensor.checked == 0 ? "\(tensor.directions) directions" : String(tensor.checked),
        String(format: "%.2f", tensor.worstErrorOverBar), tensor.passed ? "right" : "WRONG",
      ]
    }
    table.fit(Terminal.windowWidth, leavingOut: [5, 3])
    let verdict =
      report.passed
      ? terminal.styled("All second derivatives are right.", .good)
      : terminal.styled("Second derivatives are wrong.", .bad)
    return table.lines() + ["", verdict]
      + (report.passed ? [] : [""] + terminal.wrapped(report.explanation))
  }

  private func number(_ value: Double) -> String { Self.number(value) }

  private static func number(_ value: Double) -> String { String(format: "%.1e", value) }
}

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
