import Foundation
import Networks

/// A finished run as text.
struct TrainingText {
  let report: TrainingReport
  let terminal: Terminal

  /// What was learnt, what was confused, how large the steps were, and the digest.
  func lines() -> [String] {
    [summary]
      + section("Confusion matrix", explanation: Self.confusion, table: confusionTable)
      + commonest
      + section(
        "Size of a step against that of the weights", explanation: Self.ratios, table: ratioTable)
      + filters + ["", "digest of the parameters  \(report.digest)"]
  }

  /// How far apart the two pictures' scales are: what is grey in one may be bright in the other.
  private var filters: [String] {
    guard let before = report.filtersBefore.first, let after = report.filtersAfter.first
    else { return [] }
    let text =
      "In conv1-before.png and conv1-after.png grey is 0, and the scale ends at the largest weight: "
      + "\(Format.value(before.upper)) before, \(Format.value(after.upper)) after."
    return ["", terminal.styled("What the first layer looks for", .heading)]
      + terminal.wrapped(text)
  }

  private var summary: String {
    let loss = report.tests.last.map { ", loss \(Format.value($0.loss))" } ?? ""
    let text =
      "after \(Format.grouped(report.iteration)) iterations: test accuracy "
      + Format.percent(report.testAccuracy) + loss
    // Who learns from pictures of their own has to know what the number is of.
    let testSet = report.settings.dataset == nil ? "" : ", on \(report.testSet.description)"
    return terminal.styled(text + testSet, .strong)
  }

  private func section(_ title: String, explanation: String, table: TextTable?) -> [String] {
    guard let table else { return [] }
    return ["", terminal.styled(title, .heading)] + terminal.wrapped(explanation) + [""]
      + table.lines()
  }

  private static let confusion =
    "A row for each true class, a column for what the network took its test images for."
  private static let ratios = """
    ‖Δw‖ / ‖w‖ of the weights; about 0.001 is a usual sign of health. Much less hardly learns, \
    much more forgets. It falls with the learning rate.
    """

  private var confusionTable: TextTable? {
    let classes = report.confusion.indices.filter { label in
      report.confusion[label].contains { $0 > 0 } || report.confusion.contains { $0[label] > 0 }
    }
    guard !classes.isEmpty, classes.count <= 20 else { return nil }
    var table = TextTable(header: ["true class"] + classes.map { "\($0)" } + ["right"])
    table.rows = classes.map { label in
      let row = report.confusion[label]
      let sum = row.reduce(0, +)
      let share = sum == 0 ? "" : Format.percent(Double(row[label]) / Double(sum))
      return ["\(label) \(report.className(label))"]
        + classes.map { row[$0] == 0 ? "·" : "\(row[$0])" } + [share]
    }
    return table
  }

  /// What was mistaken for what, in words.
  private var commonest: [String] {
    let mistakes = Self.commonestMistakes(report.confusion).map { mistake in
      "\(report.className(mistake.label)) for \(report.className(mistake.predicted)) "
        + "(\(mistake.count) of \(report.confusion[mistake.label].reduce(0, +)))"
    }
    guard !mistakes.isEmpty else { return [] }
    return [""] + terminal.wrapped("Mistaken most often: \(mistakes.joined(separator: ", ")).")
  }

  /// The largest counts beside the diagonal, at most three; of equal ones the first.
  static func commonestMistakes(
    _ confusion: [[Int]]
  ) -> [(label: Int, predicted: Int, count: Int)] {
    let mistakes = confusion.enumerated().flatMap { label, row in
      row.enumerated().filter { $0.offset != label && $0.element > 0 }.map {
        (label: label, predicted: $0.offset, count: $0.element)
      }
    }
    // Sorting keeps the order of equal ones.
    return Array(mistakes.sorted { $0.count > $1.count }.prefix(3))
  }

  private var ratioTable: TextTable? {
    guard let first = report.updateRatios.first else { return nil }
    var table = TextTable(
      header: ["layer"]
        + report.updateRatios.map { "at \(Format.grouped($0.iteration))" })
    table.rows = first.layers.indices.map { layer in
      [first.layers[layer].name]
        + report.updateRatios.map { moment in
          moment.layers.indices.contains(layer)
            ? moment.layers[layer].ratios.first.map(Format.value) ?? "" : ""
        }
    }
    return table
  }
}
