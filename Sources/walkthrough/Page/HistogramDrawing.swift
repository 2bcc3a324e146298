import Foundation

extension Histogram {
  /// Bars of square roots of the counts, so that rare values can be seen beside frequent ones, with
  /// the bounds and the zeros below them in numbers. Nothing where all values are one.
  func figure(_ title: String) -> HTML? {
    guard lower < upper else { return nil }
    let (width, height) = (320.0, 84.0)
    let greatest = Double(counts.max() ?? 0).squareRoot()
    let step = width / Double(max(counts.count, 1))
    let finite = counts.reduce(0, +)
    let text =
      "\(title): \(Format.grouped(finite)) values that aren't 0, from \(Format.value(lower)) to "
      + "\(Format.value(upper)), and \(Format.grouped(zeros)) zeros"
    return element("figure", ["class": "histogram"]) {
      element(
        "svg",
        ["viewBox": "0 0 \(decimal(width)) \(decimal(height))", "role": "img", "aria-label": text]
      ) {
        for (index, count) in counts.enumerated() where count > 0 {
          let bar = max(Double(count).squareRoot() / max(greatest, 1) * (height - 6), 1.5)
          element(
            "rect",
            [
              "x": decimal(Double(index) * step + 0.5), "y": decimal(height - 2 - bar),
              "width": decimal(step - 1), "height": decimal(bar),
            ]
          ) {
            element("title") {
              "\(Format.value(bound(index))) to \(Format.value(bound(index + 1))): "
                + Format.grouped(count)
            }
          }
        }
        if lower < 0 && upper > 0 {
          let zero = decimal(-lower / (upper - lower) * width)
          element("line", ["class": "zero", "x1": zero, "x2": zero, "y1": "0", "y2": "84"])
        }
        element("line", ["class": "axis", "x1": "0", "x2": "320", "y1": "83", "y2": "83"])
      }
      element("figcaption") {
        element("span", ["class": "ends"]) {
          element("span") { Format.value(lower) }
          element("span", ["class": "title"]) { title }
          element("span") { Format.value(upper) }
        }
        if zeros > 0 || nonFinite > 0 {
          element("span", ["class": "note"]) {
            "\(Format.grouped(zeros)) zeros not drawn"
              + (nonFinite > 0 ? ", \(Format.grouped(nonFinite)) NaN or infinite" : "")
          }
        }
      }
    }
  }

  private func bound(_ index: Int) -> Double {
    lower + (upper - lower) * Double(index) / Double(max(counts.count, 1))
  }
}
