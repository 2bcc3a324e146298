/// Which bodies of functions take O(1) at a glance: without a loop, without a closure, and calling
/// nothing but plain arithmetic and what is documented to take O(1).
struct PlainBodies {
  /// Public functions and types whose declarations, or initialisers, all take O(1).
  private let constant: Set<String>

  /// Numbers of fixed size, what is computed of them, what stops the program, and `type(of:)`.
  private static let arithmetic: Set = [
    "Int", "Int32", "Int64", "UInt8", "UInt32", "UInt64", "Float", "Double", "Scalar", "Base",
    "min", "max", "abs", "exp", "expMinusOne", "log", "sqrt", "root", "pow", "sin", "cos", "tan",
    "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "chain",
    "precondition", "preconditionFailure", "type",
  ]

  /// Words that may stand before a parenthesis and call nothing.
  private static let keywords: Set = [
    "if", "guard", "else", "switch", "case", "let", "var", "return", "throw", "throws", "try", "in",
    "is", "as", "where",
  ]

  /// Learns from comments which names stand for O(1).
  init(_ symbols: [SymbolGraph.Symbol]) {
    var constant: Set<String> = []
    var costly: Set<String> = []
    for symbol in symbols {
      // A type without a public initialiser is made of its parts.
      let type = symbol.kind.identifier == "swift.struct" ? symbol.pathComponents.last : nil
      guard let name = symbol.calledName ?? type else { continue }
      if symbol.isConstant { constant.insert(name) } else { costly.insert(name) }
    }
    self.constant = constant.subtracting(costly)
  }

  /// What keeps a body from being plain, or `nil`.
  ///
  /// - Parameter type: the type around it, which `self.init` makes.
  func obstacle(in body: String, of type: String) -> String? {
    if body.contains(/\b(?:for|while|repeat)\b(?!:)/) { return "a loop" }
    if body.contains(/\$0|\{[^{}\n]*\bin\b/) { return "a closure" }
    for match in body.matches(of: /([A-Za-z_]\w*)\s*(?:<[^<>()]*>)?\(/) {
      let name = String(match.output.1)
      let called = name == "init" ? type : name
      let isPlain =
        Self.keywords.contains(called) || Self.arithmetic.contains(called)
        || constant.contains(called)
      if !isPlain { return "a call of \(name)" }
    }
    return nil
  }
}

extension SymbolGraph.Symbol {
  /// By what name it is called, without its labels; an initialiser by that of its type. `nil` for
  /// properties and types, which aren't.
  var calledName: String? {
    switch kind.identifier {
    case "swift.init": pathComponents.dropLast().last
    case "swift.func", "swift.method", "swift.type.method", "swift.enum.case":
      pathComponents.last.map { String($0.prefix { $0 != "(" }) }
    default: nil
    }
  }

  /// What its comment says after `- Complexity:`.
  var complexity: String? {
    let text = comment.joined(separator: "\n")
    return text.firstMatch(of: /- Complexity: (.+)/).map { String($0.output.1) }
  }

  /// Whether it takes O(1), by its comment: what says nothing does.
  var isConstant: Bool { complexity?.contains(/^O\(1\)(?:\.| on average)/) ?? true }
}
