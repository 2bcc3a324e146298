// The two versions of a layer: how fast, how right, and how they are written.

extension LayerSection {
  func versions() -> HTML? {
    guard let naive = layer.naiveForwardSeconds, let fast = layer.fastForwardSeconds else {
      return element("p", ["class": "note"]) {
        layer.agrees
          ? "The naive and the optimized version agree." : "The two versions DON'T agree."
      }
    }
    var bars = [("naive, forwards", naive), ("optimized, forwards", fast)]
    if let backward = layer.backward, let naive = backward.naiveBackwardSeconds,
      let fast = backward.fastBackwardSeconds
    {
      bars += [("naive, backwards", naive), ("optimized, backwards", fast)]
    }
    let greatest = bars.map(\.1).max() ?? 1
    return section(id("versions"), level: 4, "Naive against optimized") {
      element("dl", ["class": "bars"]) {
        for (name, seconds) in bars {
          element("div", ["class": name.hasPrefix("naive") ? "naive" : "fast"]) {
            element("dt") { name }
            element("dd") {
              // However short a time is, its bar is to be seen.
              element(
                "span", ["class": "bar"], share: max(seconds / max(greatest, 1e-12), 0.007))
              element("span") { Format.seconds(seconds) }
            }
          }
        }
      }
      element("p") {
        fast < naive
          ? "Forwards \(Format.value(naive / max(fast, 1e-9))) times as fast. "
          : "Forwards no faster in this one run. "
        "The two versions "
        layer.agrees ? "agree" : "DON'T agree"
        layer.maxDifference.map { ": outputs differ by \(Format.value($0)) at most" } ?? ""
        layer.backward?.maxDifference.map { ", gradients by \(Format.value($0))" } ?? ""
        (layer.backward?.kinkNote ?? "") + "."
      }
    }
  }

  func checks() -> HTML? {
    guard !layer.checks.isEmpty else { return nil }
    return section(id("checks"), level: 4, "Gradient check") {
      if let on = layer.checkedOn { element("p") { "Checked: \(on)." } }
      table(
        caption: "Difference quotients against the backward pass of \(layer.name)",
        header: [
          "version", "gradient by", "result", "elements", "directions", "relative error",
          "error over its bar",
        ],
        rows: layer.checks.map { check in
          [
            check.version, check.tensor, check.passed ? "✓ right" : "✗ wrong",
            Format.grouped(check.elements), Format.grouped(check.directions),
            check.relativeError.map(Format.value) ?? "–",
            check.errorOverBar.map(Format.value) ?? "–",
          ]
        }, textColumns: 3)
    }
  }

  func code() -> HTML {
    section(id("code"), level: 4, "The code", class: codeIsThatOf == nil ? nil : "repeated") {
      element("details") {
        element("summary") { "Both versions of \(layer.name) side by side" }
        CodeListing(layer).listings()
      }
    }
  }
}
