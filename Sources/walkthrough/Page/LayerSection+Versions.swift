extension LayerSection {
  /// Reference and Fast beside each other, and below them what this machine runs at its fastest.
  func versions() -> HTML? {
    /// With a capital letter.
    func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
    let verdict = sentence("\(layer.versionNames) \(layer.agrees ? "agree" : "DON'T agree")")
    guard let reference = layer.versions[.reference], let fast = layer.versions[.fast],
      let slow = reference.forwardSeconds, let quick = fast.forwardSeconds
    else {
      return element("p", ["class": "note"]) { "\(verdict)." }
    }
    let forwards = layer.textbook.map { ($0.version.rawValue, "forwards", $0.forwardSeconds) }
    let backwards = layer.textbook.map { ($0.version.rawValue, "backwards", $0.backwardSeconds) }
    let bars = (forwards + backwards).compactMap { name, direction, seconds in
      seconds.map { (name, direction, $0) }
    }
    let greatest = bars.map(\.2).max() ?? 1
    return section(id("versions"), level: 4, "Reference beside Fast") {
      element("dl", ["class": "bars"]) {
        for (name, direction, seconds) in bars {
          element("div", ["class": name]) {
            element("dt") { "\(name), \(direction)" }
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
        quick < slow
          ? "In this one run Fast was \(Format.value(slow / max(quick, 1e-9))) times as fast forwards"
          : "In this one run Fast was no faster forwards"
        fast.algorithm.map { " (\($0)). " } ?? ". "
        verdict
        fast.difference.map { ": outputs of fast differ by \(Format.value($0.absolute)) at most" }
          ?? ""
        fast.gradientDifference.map { ", gradients by \(Format.value($0.absolute))" } ?? ""
        (layer.backward?.kinkNote ?? "") + "."
      }
      if let tuned = layer.tuned(.forwards, .backwards) {
        element("p", ["class": "note"]) { sentence(tuned) + "." }
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
          "version", "gradient of", "result", "elements", "directions", "relative error",
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
    section(id("code"), level: 4, "The code") {
      element("details") {
        element("summary") { "The functions of \(layer.name) that compute, version beside version" }
        listing.html()
      }
    }
  }
}
