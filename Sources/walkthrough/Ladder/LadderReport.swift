import ArgumentParser
import Foundation
import Ladder

/// What climbing the ladder found. Text, JSON and the chart are made from it.
struct LadderReport: Encodable {
  var network: String
  var layer: String
  var pass: Pass
  var environment: CompareReport.Environment
  /// Of all threads together, on vectors in registers.
  var peakGigaflops: Double
  /// The rungs in order, then the layers of Fast and Tuned.
  var entries: [Entry]
  /// The rungs that can't compute this convolution, and why.
  var leftOut: [String]

  /// A rung, or a layer that it is held against.
  struct Entry: Encodable {
    /// Missing for a layer.
    var number: Int?
    var title: String
    var reason: String?
    /// The median.
    var seconds = 0.0
    /// The operations of the formula by the time.
    var gigaflops = 0.0
    /// From Reference.
    var difference: Difference?
  }

  private var what: String {
    pass == .forward ? "forward" : "gradient with respect to the \(pass.rawValue)"
  }

  private var peak: String { String(format: "%.0f GFLOP/s", peakGigaflops) }

  /// The share of a rung's rate in the peak, and how many times as fast it is as the rung before.
  private func factors(_ index: Int) -> (ofPeak: String, before: String) {
    let entry = entries[index]
    let isRung = index > 0 && entry.number != nil
    return (
      Format.percent(entry.gigaflops / peakGigaflops),
      isRung ? Format.factor(entries[index - 1].seconds / entry.seconds) : ""
    )
  }

  /// A table with bars, or without where they don't fit.
  func lines(_ terminal: Terminal) -> [String] {
    var table = TextTable(header: ["rung", "", "time", "GFLOP/s", "×", "of peak", "diff"])
    table.textColumns = 2
    for (index, entry) in entries.enumerated() {
      let (ofPeak, before) = factors(index)
      let cells = [
        entry.number.map(String.init) ?? "", entry.title, Format.briefSeconds(entry.seconds),
        String(format: "%.1f", entry.gigaflops), before, ofPeak,
        entry.difference.map { Format.magnitude($0.relative) } ?? "",
      ]
      table.rows.append(cells)
    }
    var rows = table.lines()
    let room = min(30, terminal.width - rows[1].count - 2)
    if room >= 10 {
      let most = entries.map(\.gigaflops).max() ?? 1
      let width = rows[1].count
      for (index, entry) in entries.enumerated() {
        let bar = Bars.horizontal(entry.gigaflops / most, room: room, colours: terminal.colours)
        rows[index + 2] = Format.padded(rows[index + 2], width) + "  " + bar
      }
    }
    var heading = environment.heading("\(network)'s \(layer), \(what)")
    heading[0] = terminal.styled(heading[0], environment.build == "debug" ? .bad : .heading)
    heading.append("peak \(peak): vectors multiplied and added in registers, on all threads")
    heading.append("×: times as fast as the rung before; diff: greatest difference from Reference")
    return heading + [""] + rows + leftOut.map { "left out: \($0)" } + [""]
      + [
        "Code and reason of a rung, with the lines that are new in it: "
          + "script/walkthrough ladder --code 5"
      ]
  }

  /// The rates as bars.
  func svg() -> String {
    SVGBars(
      title: "\(network)'s \(layer), \(what): GFLOP/s of the formula",
      subtitle: environment.caption() + "; peak \(peak)",
      groups: entries.map { entry in
        let name = entry.number.map(String.init) ?? "="
        return SVGBars.Group(
          name: name,
          bars: [
            .init(
              series: entry.number == nil ? "layer" : "rung", value: entry.gigaflops,
              label: String(format: "%.1f", entry.gigaflops) + "  " + entry.title)
          ])
      },
      axis: { String(format: "%g", $0) }
    ).document()
  }
}

extension Pass: Encodable {}

/// A rung's code, with the lines marked that are not in the rung before.
struct RungCode {
  private let number: Int
  private let rung: any Rung.Type

  /// - Parameter number: of an existing rung.
  init(_ number: Int) {
    self.number = number
    rung = ladder[number]
  }

  /// Title, reason, and the file.
  ///
  /// - Throws: `ValidationError` if the sources aren't where this program was built from.
  func lines(_ terminal: Terminal) throws -> [String] {
    let file = rung.source.file
    guard let code = SourceTree.package.lines(of: file) else {
      throw ValidationError("--code: \(file) isn't where this program was built from.")
    }
    let before =
      number > 0 ? SourceTree.package.lines(of: ladder[number - 1].source.file) ?? [] : code
    let difference = code.difference(from: before) {
      $0.trimmingCharacters(in: .whitespaces) == $1.trimmingCharacters(in: .whitespaces)
    }
    var isNew = Set<Int>()
    for case .insert(let line, _, _) in difference { isNew.insert(line) }
    return [terminal.styled("Rung \(number): \(rung.title)", .heading)]
      + terminal.wrapped(rung.reason) + ["", file, ""]
      + code.indices.map { line in
        (isNew.contains(line) && !code[line].isEmpty ? "+ " : "  ") + code[line]
      }
  }
}
