/// The code of a Swift file: comments and texts have become spaces, so that every character stands
/// where it stood. What is interpolated into a text is code and stays.
struct SwiftCode {
  private let lines: [[UInt8]]

  /// The code of a source. Comments between `/*` and `*/`, raw strings and regular expressions are
  /// not known here; the libraries have none.
  init(_ source: String) {
    /// Where a character stands: in code, within some parentheses of an interpolation, or in a text
    /// that ends with a quote.
    enum Place {
      case code(parentheses: Int)
      case text(quote: [UInt8])
    }
    var bytes = Array(source.utf8)
    var places = [Place.code(parentheses: 0)]
    var i = 0
    func sees(_ text: StaticString) -> Bool { bytes[i...].starts(with: Array("\(text)".utf8)) }
    func blank(_ count: Int) {
      for _ in 0..<count where i < bytes.count {
        if bytes[i] != UInt8(ascii: "\n") { bytes[i] = UInt8(ascii: " ") }
        i += 1
      }
    }
    while i < bytes.count {
      switch places[places.count - 1] {
      case .code(let parentheses):
        if sees("//") {
          blank((bytes[i...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count) - i)
        } else if sees("\"") {
          let quote = Array((sees("\"\"\"") ? "\"\"\"" : "\"").utf8)
          places.append(.text(quote: quote))
          blank(quote.count)
        } else if sees(")"), parentheses == 0, places.count > 1 {
          places.removeLast()
          blank(1)
        } else {
          let step = sees("(") ? 1 : sees(")") ? -1 : 0
          places[places.count - 1] = .code(parentheses: parentheses + step)
          i += 1
        }
      case .text(let quote):
        if bytes[i...].starts(with: quote) {
          places.removeLast()
          blank(quote.count)
        } else if sees("\\(") {
          places.append(.code(parentheses: 0))
          blank(2)
        } else {
          blank(sees("\\") ? 2 : 1)
        }
      }
    }
    lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map(Array.init)
  }

  /// What stands between the braces of a declaration; `nil` where it has none, as a stored property
  /// or a requirement.
  ///
  /// - Parameters:
  ///   - line: that of its name, counted from 0.
  ///   - column: likewise.
  ///   - isProperty: whether a line's end or an equals sign before the braces means that there are
  ///     none.
  func body(line: Int, column: Int, isProperty: Bool) -> String? {
    let rest = lines[line].dropFirst(column) + lines.dropFirst(line + 1).flatMap { [10] + $0 }
    var brackets = 0
    var braces = 0
    var body: [UInt8] = []
    for byte in rest {
      switch UnicodeScalar(byte) {
      case "(", "[": brackets += 1
      case ")", "]": brackets -= 1
      case "{" where brackets == 0 || braces > 0: braces += 1
      case "}" where braces == 0: return nil
      case "}":
        braces -= 1
        if braces == 0 { return String(decoding: body.dropFirst(), as: UTF8.self) }
      case "\n" where isProperty && brackets == 0 && braces == 0: return nil
      case "=" where isProperty && brackets == 0 && braces == 0: return nil
      default: break
      }
      if braces > 0 { body.append(byte) }
    }
    return nil
  }
}
