import RealModule

extension GradientReport {
  /// The verdict in words: what is wrong, where, by how much and why perhaps; one line for what is
  /// right.
  ///
  /// - Complexity: O(length) of the text.
  public var explanation: String {
    var lines: [String] = []
    for violation in violations {
      lines.append("broken rule: \(violation.rule.title)")
      lines.append("  \(violation.detail)")
    }
    lines += tensors.map(\.explanation)
    return lines.joined(separator: "\n")
  }
}

extension ContractViolation.Rule {
  /// The rule in a sentence.
  public var title: String {
    switch self {
    case .isFunctionOfInputAndSeed: "the output is a function of input, parameters and seed"
    case .backwardIsDeterministic: "two backward passes from the same state give the same bits"
    case .overwritesOutput: "the forward pass overwrites the output, whatever was there"
    case .overwritesGradients: "the backward pass overwrites gradients, whatever was there"
    case .accumulatesWhenAsked: "asked to accumulate, gradients are added to what was there"
    case .workWithoutInputGradient:
      "parameter gradients don't depend on whether the input's gradient is needed"
    case .isProportionalToOutputGradient: "gradients grow as the output's gradient does"
    case .inPlaceMatches: "in place, output and gradient are the same as out of place"
    }
  }
}

extension TensorReport {
  /// The verdict on this tensor in words.
  ///
  /// - Complexity: O(length) of the text.
  public var explanation: String {
    let name = "\(layer) \(tensor) (\(version))"
    var summary = "\(checked) elements"
    if kinks > 0 { summary += ", \(kinks) at a kink" }
    if nearKinks > 0 { summary += ", \(nearKinks) near one" }
    if zeros > 0 { summary += ", \(zeros) zero but for rounding" }
    if undecided > 0 { summary += ", \(undecided) undecided" }
    if directions > 0 { summary += "; \(directions) directions" }
    if passed {
      return "\(name): right. \(summary); worst relative error "
        + worstRelativeError.formatted(digits: 2)
    }
    let isUndecided = failed == 0 && failedDirections == 0 && undecided > 0
    var lines = [
      isUndecided
        ? "\(name): UNDECIDED at \(undecided) of \(checked) elements"
        : "\(name): WRONG at \(failed) of \(checked) elements, along \(failedDirections) of "
          + "\(directions) directions",
      "  checked: \(summary)",
    ]
    lines += causes.map { "  likely cause: \($0)" }
    if let first = failures.first {
      lines.append("  worst:")
      lines += first.lines.map { "    " + $0 }
    }
    return lines.joined(separator: "\n")
  }
}

extension ElementCheck {
  /// The findings, one a line.
  ///
  /// - Complexity: O(rows + rank).
  public var lines: [String] {
    var lines: [String] = []
    if index.isEmpty {
      lines.append("along a direction that moves all elements")
    } else {
      let letters = index.count == 4 ? "(n, c, y, x) = " : ""
      let place = index.map(String.init).joined(separator: ", ")
      lines.append("element \(letters)(\(place)), value \(value)")
    }
    lines.append("analytic   \(analytic)")
    lines.append("numeric    \(numeric)")
    lines.append("difference \(difference.formatted(digits: 4))")
    lines.append("error bar  \(bar.formatted(digits: 4))")
    if let exact { lines.append("exact      \(exact), by dual numbers") }
    if let left, let right {
      let kink = place == .kink ? ": a kink" : ""
      lines.append(
        "from left  \(left.value.formatted(digits: 10)), from right "
          + "\(right.value.formatted(digits: 10))\(kink)")
    }
    if let row = rows.min(by: { abs($0.centred - numeric) < abs($1.centred - numeric) }) {
      lines.append("f(x − h)   \(row.below)")
      lines.append("f(x + h)   \(row.above), h = \(row.step.formatted(digits: 4))")
    }
    return lines
  }

  /// The table of error against step: truncation rules at its upper end, rounding at its lower
  /// one, and the least error, the bottom of the V, lies between.
  ///
  /// The error is the distance of each centred quotient to the analytic gradient; the bars are its
  /// digits lost, the logarithm of the relative error from 1e-16 to 1.
  ///
  /// - Complexity: O(rows).
  public var stepTable: String {
    var lines = ["step h      quotient                 error      rounding"]
    for row in rows {
      let error = abs(row.centred - analytic)
      let size = max(abs(analytic), abs(numeric), .leastNormalMagnitude)
      let digits = error == 0 ? 0 : max(0, 16 + Double.log10(min(error / size, 1)))
      lines.append(
        row.step.formatted(digits: 3).padded(to: 10) + "  "
          + "\(row.centred)".padded(to: 23) + "  "
          + error.formatted(digits: 2).padded(to: 9) + "  "
          + row.rounding.formatted(digits: 2).padded(to: 9) + "  "
          + String(repeating: "▪", count: Int(digits.rounded(.up))))
    }
    return lines.joined(separator: "\n")
  }
}

extension String {
  /// The text with spaces after it, up to a length.
  fileprivate func padded(to length: Int) -> String {
    self + String(repeating: " ", count: max(0, length - count))
  }
}
