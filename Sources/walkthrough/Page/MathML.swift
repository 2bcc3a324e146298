extension Formula {
  /// The formula in MathML, an equation a line; its words as they are. The text stands beside it for those
  /// who read or copy it as text.
  func mathML() -> HTML {
    // May scroll by itself, so it has to be reachable by keyboard.
    element(
      "div", ["class": "formula", "tabindex": "0", "role": "group", "aria-label": "Formula"]
    ) {
      for (text, equation) in statements {
        if let equation {
          element("math", ["display": "block", "aria-label": text]) {
            element("mrow") {
              equation.left.mathML()
              sign("=")
              equation.right.mathML()
            }
          }
        } else {
          element("span", ["class": "note"]) { text }
        }
      }
    }
  }
}

private func sign(_ text: String) -> HTML { element("mo") { text } }
private func name(_ text: String) -> HTML { element("mi") { text } }

extension Formula.Expression {
  /// The expression in MathML, as one element.
  fileprivate func mathML() -> HTML {
    switch self {
    case .number(let digits): element("mn") { digits }
    case .entry(let name, let indices): Self.indexed(name, indices)
    case .over(let name, let ranges, let body):
      element("mrow") {
        Self.over(name, ranges)
        body.mathML()
      }
    case .binary("/", let a, let b):
      element("mfrac") {
        a.bare.mathML()
        b.bare.mathML()
      }
    case .binary("^", let a, let b):
      element("msup") {
        a.mathML()
        b.mathML()
      }
    case .binary(let operation, let a, let b):
      element("mrow") {
        a.mathML()
        sign(String(operation))
        b.mathML()
      }
    case .negative(let a):
      element("mrow") {
        sign("−")
        a.mathML()
      }
    case .floor(let a): Self.list([a], "⌊", "⌋")
    case .group(let list): Self.list(list, "(", ")")
    case .call(let function, let list):
      element("mrow") {
        name(function)
        if list.count == 1 { sign("\u{2061}") }
        list.count == 1 ? list[0].mathML() : Self.list(list, "(", ")")
      }
    case .equal(let a, let b):
      element("mrow") {
        sign("[")
        a.mathML()
        sign("=")
        b.mathML()
        sign("]")
      }
    case .choice(let a, let relation, let b, let yes, let no):
      Self.choice(a, relation, b, yes, no)
    }
  }

  /// Without the parentheses that a fraction line makes needless.
  private var bare: Formula.Expression {
    if case .group(let list) = self, list.count == 1 { list[0] } else { self }
  }

  private static func list(_ list: [Formula.Expression], _ open: String, _ close: String) -> HTML {
    element("mrow") {
      sign(open)
      for (index, expression) in list.enumerated() {
        if index > 0 { sign(",") }
        expression.mathML()
      }
      sign(close)
    }
  }

  /// An element with its indices below it; a derivative as a fraction.
  private static func indexed(_ text: String, _ indices: [Formula.Expression]) -> HTML {
    let below = indices.isEmpty ? nil : subscripts(indices)
    func withIndices(_ base: HTML) -> HTML {
      guard let below else { return base }
      return element("msub") {
        base
        below
      }
    }
    guard text.hasPrefix("∂L/∂") else { return withIndices(name(text)) }
    return element("mfrac") {
      element("mrow") {
        sign("∂")
        name("L")
      }
      element("mrow") {
        sign("∂")
        withIndices(name(String(text.dropFirst(4))))
      }
    }
  }

  private static func subscripts(_ indices: [Formula.Expression]) -> HTML {
    element("mrow") {
      for (index, expression) in indices.enumerated() {
        if index > 0 { sign(",") }
        expression.mathML()
      }
    }
  }

  private static func over(_ text: String, _ ranges: [Formula.IndexRange]) -> HTML {
    let base = text == "Σ" ? sign("∑") : sign(text)
    if ranges.count == 1, let range = ranges.first, let last = range.last {
      return element("munderover") {
        base
        element("mrow") {
          name(range.index)
          sign("=")
          range.first.mathML()
        }
        last.mathML()
      }
    }
    return element("munder") {
      base
      element("mrow") {
        for (index, range) in ranges.enumerated() {
          if index > 0 { sign(",") }
          name(range.index)
          if let count = range.count {
            sign("<")
            count.mathML()
          } else {
            sign("=")
            range.first.mathML()
            sign("…")
            range.last?.mathML()
          }
        }
      }
    }
  }

  private static func choice(
    _ a: Formula.Expression, _ relation: String?, _ b: Formula.Expression?,
    _ yes: Formula.Expression, _ no: Formula.Expression
  ) -> HTML {
    element("mrow") {
      sign("{")
      element("mtable", ["columnalign": "left"]) {
        element("mtr") {
          element("mtd") { yes.mathML() }
          element("mtd") {
            element("mtext") { "if " }
            a.mathML()
            if let relation { sign(relation) }
            b?.mathML()
          }
        }
        element("mtr") {
          element("mtd") { no.mathML() }
          element("mtd") { element("mtext") { "else" } }
        }
      }
    }
  }
}
