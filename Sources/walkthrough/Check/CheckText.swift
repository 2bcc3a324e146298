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

  private func number(_ value: Double) -> String { String(format: "%.1e", value) }
}
