/// A formula as it is printed, and what its pieces mean.
///
/// The text is the one source: the page sets it in MathML by parsing it, and a test evaluates what it
/// parses to against the network. The notation: `Σ_c<48` and `max_i<3,j<3` range over what follows, up to
/// the end of the product; `Σ_k=a…b` has other bounds; `in[c, y+i−2]` is an element, and one beyond a
/// tensor's border, or between two rows, isn't there; `[a = b]` is 1 where the two are equal, else 0.
struct Formula: Sendable {
  var text: String
  /// What a piece stands for, by its key: `in` for `in[c, y]`, `Σ_c` for `Σ_c<48`.
  var meanings: [String: String] = [:]

  /// A formula with what its pieces mean.
  init(_ text: String, _ meanings: [String: String] = [:]) {
    self.text = text
    self.meanings = meanings
  }

  /// A part of the text.
  struct Piece: Equatable {
    var text: String
    /// By which marks in the sources name it; `nil` for what stands between two that have one.
    var key: String?
  }

  /// The text cut into pieces with a meaning, and what stands between; joined, they are the text.
  var pieces: [Piece] {
    var pieces: [Piece] = []
    var scanner = Scanner(text)
    var start = text.startIndex
    while let token = scanner.next() {
      guard token.range.lowerBound >= start, let key = token.key, meanings[key] != nil else {
        continue
      }
      let end = token.kind == .range ? token.range.upperBound : scanner.endOfElement()
      if start < token.range.lowerBound {
        pieces.append(Piece(text: String(text[start..<token.range.lowerBound])))
      }
      pieces.append(Piece(text: String(text[token.range.lowerBound..<end]), key: key))
      start = end
    }
    if start < text.endIndex { pieces.append(Piece(text: String(text[start...]))) }
    return pieces
  }

  /// The key of a piece by its text.
  static func key(of piece: String) -> String? {
    var scanner = Scanner(piece)
    return scanner.next()?.key
  }

  /// The equations of the text, which `,  ` divides, in parsed form; remarks that are no equation, such
  /// as `k < 10` or words, are `nil`.
  var statements: [(text: String, equation: Equation?)] {
    text.split(separator: ",  ").map { part in
      var parser = Parser(String(part))
      return (String(part), parser.equation())
    }
  }

  /// A left and a right side.
  struct Equation: Sendable {
    var left: Expression
    var right: Expression
  }

  /// What a text parses to.
  indirect enum Expression: Equatable, Sendable {
    case number(String)
    /// A name alone, or an element by its indices.
    case entry(String, [Expression])
    /// Σ, max: the ranges of the indices, and what they run over.
    case over(String, [IndexRange], Expression)
    /// `+`, `−`, `·`, `/`, `^`, and `⁢` for a factor right before what it multiplies.
    case binary(Character, Expression, Expression)
    case negative(Expression)
    case floor(Expression)
    /// Parentheses; several expressions are a tuple.
    case group([Expression])
    /// `ln x`, `max(a, b)`.
    case call(String, [Expression])
    /// 1 where both are equal, else 0.
    case equal(Expression, Expression)
    /// `a > b ? x : y`; without a sign, `a ? x : y`.
    case choice(Expression, sign: String?, Expression?, Expression, Expression)
  }

  /// An index and its bounds, both included.
  struct IndexRange: Equatable, Sendable {
    var index: String
    var first: Expression
    /// `nil` where the range is `i<n`, whose n is `count`.
    var last: Expression?
    var count: Expression?
  }
}

// MARK: - Reading

extension Formula {
  struct Token: Equatable {
    enum Kind { case number, name, range, sign, end }
    var kind: Kind
    var text: Substring
    var range: Range<String.Index>

    /// The name of an element, or the sign of a range and its first index.
    var key: String? {
      switch kind {
      case .name: String(text)
      case .range: String(text.prefix { $0 != "<" && $0 != "=" })
      default: nil
      }
    }
  }

  /// Cuts a text into tokens.
  struct Scanner {
    private let text: String
    private(set) var position: String.Index
    private static let ranged = ["Σ_", "max_", "mean_"]

    init(_ text: String) {
      self.text = text
      position = text.startIndex
    }

    /// Whether a space stands right before the next token.
    private(set) var spaceBefore = false

    mutating func next() -> Token? {
      let before = position
      while position < text.endIndex, text[position] == " " {
        position = text.index(after: position)
      }
      spaceBefore = position > before
      guard position < text.endIndex else { return nil }
      let rest = text[position...]
      if let sign = Self.ranged.first(where: rest.hasPrefix) {
        return take(rest.dropFirst(sign.count).prefix { $0 != " " }.endIndex, .range)
      }
      if rest.hasPrefix("∂L/∂") {
        return take(rest.dropFirst(4).prefix(while: Self.isLetter).endIndex, .name)
      }
      if Self.isDigit(rest[position]) {
        return take(Self.number(rest), .number)
      }
      if Self.isLetter(rest[position]) {
        return take(rest.prefix(while: Self.isLetter).endIndex, .name)
      }
      return take(text.index(after: position), .sign)
    }

    /// The end of the brackets that begin here, or here.
    func endOfElement() -> String.Index {
      guard position < text.endIndex, text[position] == "[" else { return position }
      return text[position...].firstIndex(of: "]").map(text.index(after:)) ?? text.endIndex
    }

    private mutating func take(_ end: String.Index, _ kind: Token.Kind) -> Token {
      defer { position = end }
      return Token(kind: kind, text: text[position..<end], range: position..<end)
    }

    /// `5`, `0.75`, `1e-05`.
    private static func number(_ rest: Substring) -> String.Index {
      let digits = rest.prefix { isDigit($0) || $0 == "." }
      let after = rest[digits.endIndex...]
      guard after.first == "e", let sign = after.dropFirst().first, sign == "-" || sign == "+"
      else { return digits.endIndex }
      return after.dropFirst(2).prefix(while: isDigit).endIndex
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }

    private static func isLetter(_ character: Character) -> Bool {
      character.isLetter || character == "'"
    }
  }

  /// Reads an equation by recursive descent.
  struct Parser {
    private var scanner: Scanner
    private var token: Token?
    private var spaceBefore = false
    private var failed = false

    init(_ text: String) {
      scanner = Scanner(text)
      advance()
    }

    /// The whole text as an equation; `nil` where it is none.
    mutating func equation() -> Equation? {
      let left = sum()
      guard accept("=") else { return nil }
      let right = choice()
      return failed || token != nil ? nil : Equation(left: left, right: right)
    }

    private mutating func advance() {
      token = scanner.next()
      spaceBefore = scanner.spaceBefore
    }

    private mutating func accept(_ sign: Character) -> Bool {
      guard token?.kind == .sign, token?.text.first == sign else { return false }
      advance()
      return true
    }

    private mutating func expect(_ sign: Character) {
      if !accept(sign) { failed = true }
    }

    private mutating func choice() -> Expression {
      let first = sum()
      var sign: String?
      var second: Expression?
      if let next = token, next.kind == .sign, ["≥", ">", "="].contains(next.text) {
        sign = String(next.text)
        advance()
        second = sum()
      }
      guard accept("?") else {
        if sign != nil { failed = true }
        return first
      }
      let yes = sum()
      expect(":")
      return .choice(first, sign: sign, second, yes, sum())
    }

    private mutating func sum() -> Expression {
      var result = accept("−") ? .negative(product()) : product()
      while let sign = token, sign.kind == .sign, sign.text == "+" || sign.text == "−" {
        advance()
        result = .binary(sign.text.first ?? "+", result, product())
      }
      return result
    }

    private mutating func product() -> Expression {
      if let range = token, range.kind == .range {
        advance()
        return over(range, product())
      }
      var result = power()
      while let sign = token, sign.kind == .sign, sign.text == "·" || sign.text == "/" {
        advance()
        // A range runs over all that follows it in the product.
        if token?.kind == .range {
          return .binary(sign.text.first ?? "·", result, product())
        }
        result = .binary(sign.text.first ?? "·", result, power())
      }
      return result
    }

    private mutating func over(_ range: Token, _ body: Expression) -> Expression {
      let name = range.text.prefix { $0 != "_" }
      var ranges: [IndexRange] = []
      for text in range.text.dropFirst(name.count + 1).split(separator: ",") {
        ranges.append(indexRange(text))
      }
      return .over(String(name), ranges, body)
    }

    private mutating func indexRange(_ text: Substring) -> IndexRange {
      let index = text.prefix { $0 != "<" && $0 != "=" }
      let bounds = text.dropFirst(index.count + 1)
      guard text.dropFirst(index.count).first == "=" else {
        return IndexRange(index: String(index), first: .number("0"), count: part(bounds))
      }
      let ends = bounds.split(separator: "…")
      guard ends.count == 2 else {
        failed = true
        return IndexRange(index: String(index), first: .number("0"))
      }
      return IndexRange(index: String(index), first: part(ends[0]), last: part(ends[1]))
    }

    /// A bound, which is an expression of its own.
    private mutating func part(_ text: Substring) -> Expression {
      var parser = Parser(String(text))
      let result = parser.sum()
      if parser.failed || parser.token != nil { failed = true }
      return result
    }

    private mutating func power() -> Expression {
      let base = primary()
      if accept("²") { return .binary("^", base, .number("2")) }
      guard accept("^") else { return base }
      return .binary("^", base, accept("−") ? .negative(primary()) : primary())
    }

    private mutating func primary() -> Expression {
      guard let token else {
        failed = true
        return .number("0")
      }
      switch token.kind {
      case .number:
        advance()
        let number = Expression.number(String(token.text))
        // `2y`, `48⌊k/128⌋`.
        guard let next = self.token, !spaceBefore, next.kind == .name || next.text == "⌊" else {
          return number
        }
        return .binary("\u{2062}", number, primary())
      case .name: return named(String(token.text))
      case .sign where token.text == "(":
        advance()
        return .group(list(until: ")"))
      case .sign where token.text == "⌊":
        advance()
        let inside = sum()
        expect("⌋")
        return .floor(inside)
      case .sign where token.text == "[":
        advance()
        let left = sum()
        expect("=")
        let right = sum()
        expect("]")
        return .equal(left, right)
      default:
        failed = true
        advance()
        return .number("0")
      }
    }

    private mutating func named(_ name: String) -> Expression {
      advance()
      if name == "ln" { return .call(name, [primary()]) }
      if name == "max" || name == "min", accept("(") { return .call(name, list(until: ")")) }
      return .entry(name, !spaceBefore && accept("[") ? list(until: "]") : [])
    }

    private mutating func list(until sign: Character) -> [Expression] {
      var result = [sum()]
      while accept(",") { result.append(sum()) }
      expect(sign)
      return result
    }
  }
}
