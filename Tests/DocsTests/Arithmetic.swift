import Foundation

/// Computes what a line of a text says: `3·0.5 + 2^2 = 5.5`.
///
/// Known are + − · / ^ ² ³ ( ) ⌊ ⌋ ⌈ ⌉, √x, ln x, max(a, b), e and π.
struct Arithmetic {
  private let tokens: [String]
  private var position = 0

  /// The value of an expression; `nil` for a text that is none.
  static func value(of text: some StringProtocol) -> Double? {
    guard let tokens = tokens(of: String(text)), !tokens.isEmpty else { return nil }
    var parser = Arithmetic(tokens: tokens)
    guard let value = parser.sum(), parser.position == tokens.count else { return nil }
    return value
  }

  private init(tokens: [String]) { self.tokens = tokens }

  private static func tokens(of text: String) -> [String]? {
    var rest = text[...]
    var tokens: [String] = []
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
      } else if let match = rest.prefixMatch(
        of: /[0-9]{1,3}(,[0-9]{3})+|[0-9]+(\.[0-9]+)?(e[-−]?[0-9]+)?/)
      {
        tokens.append(String(match.output.0))
        rest = rest[match.range.upperBound...]
      } else if let match = rest.prefixMatch(of: /ln|max|e|π|[-+−·\/^²³()⌊⌋⌈⌉√,]/) {
        tokens.append(String(match.output).replacingOccurrences(of: "−", with: "-"))
        rest = rest[match.range.upperBound...]
      } else {
        return nil
      }
    }
    return tokens
  }

  private mutating func take(_ token: String) -> Bool {
    guard position < tokens.count, tokens[position] == token else { return false }
    position += 1
    return true
  }

  private mutating func sum() -> Double? {
    guard var value = product() else { return nil }
    while true {
      if take("+") {
        guard let next = product() else { return nil }
        value += next
      } else if take("-") {
        guard let next = product() else { return nil }
        value -= next
      } else {
        return value
      }
    }
  }

  private mutating func product() -> Double? {
    guard var value = signed() else { return nil }
    while true {
      if take("·") {
        guard let next = signed() else { return nil }
        value *= next
      } else if take("/") {
        guard let next = signed() else { return nil }
        value /= next
      } else {
        return value
      }
    }
  }

  private mutating func signed() -> Double? {
    if take("-") { return signed().map { -$0 } }
    return power()
  }

  private mutating func power() -> Double? {
    guard var value = atom() else { return nil }
    if take("²") { value *= value } else if take("³") { value *= value * value }
    if take("^") { return signed().map { pow(value, $0) } }
    return value
  }

  private mutating func atom() -> Double? {
    if take("√") { return power().map { $0.squareRoot() } }
    if take("ln") { return power().map { log($0) } }
    if take("e") { return M_E }
    if take("π") { return .pi }
    if take("max") {
      guard take("("), let a = sum(), take(","), let b = sum(), take(")") else { return nil }
      return max(a, b)
    }
    for (open, close, function) in Self.brackets where take(open) {
      guard let inner = sum(), take(close) else { return nil }
      return function(inner)
    }
    guard position < tokens.count, let number = Number(tokens[position]) else { return nil }
    position += 1
    return number.value
  }

  private static let brackets: [(String, String, @Sendable (Double) -> Double)] = [
    ("(", ")", { $0 }), ("⌊", "⌋", { $0.rounded(.down) }), ("⌈", "⌉", { $0.rounded(.up) }),
  ]
}
