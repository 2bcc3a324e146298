/// Divides lines of Swift into keywords, types, numbers, strings and comments.
///
/// It knows as much of the language as this package's own sources use: comments to the end of the
/// line, strings on one line with interpolations, attributes, and types by their capital.
struct SwiftHighlighter {
  enum Kind: String {
    case keyword = "k"
    case type = "t"
    case number = "n"
    case string = "s"
    case comment = "c"
    case attribute = "a"
    case plain = ""
  }

  struct Token: Equatable {
    var kind: Kind
    var text: String
  }

  /// The tokens of one line; joined, they are the line.
  static func tokens(_ line: String) -> [Token] {
    var tokens: [Token] = []
    var rest = Substring(line)
    while let first = rest.first {
      let (kind, length) = next(rest, first)
      let text = String(rest.prefix(length))
      rest = rest.dropFirst(length)
      if kind == .plain, tokens.last?.kind == .plain {
        tokens[tokens.count - 1].text += text
      } else {
        tokens.append(Token(kind: kind, text: text))
      }
    }
    return tokens
  }

  /// A line as HTML.
  static func html(_ line: String) -> HTML {
    HTML(
      tokens(line).map { token in
        token.kind == .plain
          ? HTML(token.text) : element("span", ["class": token.kind.rawValue]) { token.text }
      })
  }

  private static func next(_ rest: Substring, _ first: Character) -> (Kind, Int) {
    if rest.hasPrefix("//") { return (.comment, rest.count) }
    if first == "\"" { return (.string, stringLength(rest)) }
    if first == "@" || first == "#" {
      return (.attribute, 1 + rest.dropFirst().prefix(while: isWordPart).count)
    }
    if first.isNumber {
      // A point belongs to it only before another digit: not in `0..<9`, nor in `$0.count`.
      var length = 0
      for (index, character) in rest.enumerated() {
        let isPoint = character == "." && rest.dropFirst(index + 1).first?.isNumber == true
        guard isPoint || isWordPart(character) else { break }
        length = index + 1
      }
      return (.number, length)
    }
    if isWordPart(first) {
      let word = rest.prefix(while: isWordPart)
      if keywords.contains(String(word)) { return (.keyword, word.count) }
      return (first.isUppercase ? .type : .plain, word.count)
    }
    return (.plain, 1)
  }

  /// To the closing quotation mark, those in interpolations left out.
  private static func stringLength(_ rest: Substring) -> Int {
    var depth = 0
    var isEscaped = false
    for (index, character) in rest.enumerated().dropFirst() {
      if isEscaped {
        isEscaped = false
        if character == "(" { depth += 1 }
      } else if character == "\\" {
        isEscaped = true
      } else if depth > 0 {
        depth += character == "(" ? 1 : character == ")" ? -1 : 0
      } else if character == "\"" {
        return index + 1
      }
    }
    return rest.count
  }

  private static func isWordPart(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }

  private static let keywords: Set<String> = [
    "actor", "any", "as", "associatedtype", "break", "case", "catch", "class", "continue",
    "default", "defer", "deinit", "do", "else", "enum", "extension", "fallthrough", "false",
    "fileprivate", "final", "for", "func", "get", "guard", "if", "import", "in", "init", "inout",
    "internal", "is", "isolated", "lazy", "let", "mutating", "nil", "nonisolated", "open",
    "operator", "override", "package", "private", "protocol", "public", "repeat", "rethrows",
    "return", "self", "Self", "set", "some", "static", "struct", "subscript", "super", "switch",
    "throw", "throws", "true", "try", "typealias", "unowned", "unsafe", "var", "weak", "where",
    "while",
  ]
}
