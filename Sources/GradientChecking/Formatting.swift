import RealModule

extension Double {
  /// The number with some significant digits: `0.3333`, `2`, `1.25e-10`.
  func formatted(digits: Int) -> String {
    guard isFinite else { return "\(self)" }
    guard self != 0 else { return "0" }
    var exponent = Int(Double.log10(magnitude).rounded(.down))
    let scaled = (magnitude * .pow(10, Double(digits - 1 - exponent))).rounded()
    guard scaled.isFinite, scaled < 0x1p62 else { return "\(self)" }
    var figures = String(Int(scaled))
    if figures.count > digits {
      exponent += 1
      figures.removeLast()
    }
    let sign = self < 0 ? "-" : ""
    if (-4..<0).contains(exponent) {
      return sign + trimmed("0." + String(repeating: "0", count: -1 - exponent) + figures)
    }
    if (0..<digits).contains(exponent) {
      let split = figures.index(figures.startIndex, offsetBy: exponent + 1)
      return sign + trimmed(figures[..<split] + "." + figures[split...])
    }
    let split = figures.index(after: figures.startIndex)
    return sign + trimmed(figures[..<split] + "." + figures[split...]) + "e\(exponent)"
  }

  private func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return String(text)
  }
}
