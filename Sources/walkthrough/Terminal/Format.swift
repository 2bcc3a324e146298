import Foundation

/// Numbers as people read them.
enum Format {
  /// `60,965,224`.
  static func grouped(_ number: Int) -> String {
    var digits = String(number.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    groups.insert(digits, at: 0)
    return (number < 0 ? "-" : "") + groups.joined(separator: ",")
  }

  /// `3×227×227`.
  static func extents(_ extents: [Int]) -> String {
    extents.map(String.init).joined(separator: "×")
  }

  /// Four significant digits: `0.01234`, `-45.67`, `1.234e-07`.
  static func value(_ number: Double) -> String {
    // Without a sign before 0.
    number.isNaN ? "NaN" : String(format: "%.4g", number == 0 ? 0 : number)
  }

  /// Nine significant digits, all that single precision has: `1.00132606`.
  static func exact(_ number: Double) -> String {
    String(format: "%.9g", number)
  }

  /// Three significant digits for the cells of a table: `0.0123`, `-45.7`, `12300`.
  static func cell(_ number: Double) -> String {
    let text = String(format: "%.3g", number)
    // 1e+03 takes more room than 1000.
    return text.contains("e+") ? String(format: "%.0f", number) : text
  }

  /// `12.3 %`.
  static func percent(_ share: Double) -> String {
    String(format: "%.1f %%", 100 * share)
  }

  /// `1.23×`, `12.3×` or `123×`.
  static func factor(_ factor: Double) -> String {
    String(format: factor < 9.995 ? "%.2f×" : factor < 99.95 ? "%.1f×" : "%.0f×", factor)
  }

  /// `1.23 s`, `4.56 ms` or `7.89 µs`.
  static func seconds(_ seconds: Double) -> String {
    if seconds >= 1 { return String(format: "%.2f s", seconds) }
    if seconds >= 1e-3 { return String(format: "%.2f ms", 1e3 * seconds) }
    return String(format: "%.2f µs", 1e6 * seconds)
  }

  /// Three significant digits: `1.23 s`, `45.6 ms` or `789 µs`.
  static func briefSeconds(_ seconds: Double) -> String {
    let (number, unit) =
      seconds >= 0.9995
      ? (seconds, "s") : seconds >= 0.9995e-3 ? (1e3 * seconds, "ms") : (1e6 * seconds, "µs")
    let decimals = number < 9.995 ? 2 : number < 99.95 ? 1 : 0
    return String(format: "%.\(decimals)f \(unit)", number)
  }

  /// A difference by its magnitude: `3e-7`, or `0`.
  static func magnitude(_ number: Double) -> String {
    guard number != 0, number.isFinite else { return number == 0 ? "0" : "\(number)" }
    // C writes two digits of the exponent or more.
    return String(format: "%.0e", number).replacing(/e([-+])0/) { "e\($0.output.1)" }
  }

  /// Three significant digits, or all before the point: `0.123`, `12.3`, `1234`.
  static func rate(_ number: Double) -> String {
    String(format: number < 999.5 ? "%.3g" : "%.0f", number)
  }

  /// How far the furthest of some values is from their median, as a share of it: `±12%`, or `>99%`
  /// beyond that.
  static func spread(_ median: Double, _ values: [Double]) -> String {
    let furthest = values.map { abs($0 - median) }.max() ?? 0
    let percent = 100 * furthest / max(median, .leastNormalMagnitude)
    return percent < 99.5 ? String(format: "±%.0f%%", percent) : ">99%"
  }

  /// `1.11 MiB`, `32.0 KiB` or `512 bytes`.
  static func bytes(_ count: Int) -> String {
    if count >= 1 << 20 { return String(format: "%.2f MiB", Double(count) / 1_048_576) }
    if count >= 1 << 10 { return String(format: "%.1f KiB", Double(count) / 1024) }
    return "\(count) bytes"
  }

  /// The text, filled with spaces to a width; on the left for numbers.
  static func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let fill = String(repeating: " ", count: max(width - text.count, 0))
    return left ? fill + text : text + fill
  }
}
