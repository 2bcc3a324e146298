/// How text gets into HTML, into SVG, and into JSON that stands in HTML: the one place that decides it.
///
/// It looks at Unicode scalars, as browsers do, and never at `Character`s. To Swift a quotation mark
/// followed by a combining mark is another character than a quotation mark, and `replacing` passes
/// it over; in a browser it ends the attribute.
enum Escaping {
  /// Text between tags, or an attribute's value between quotation marks of either kind.
  ///
  /// Characters that can't be seen are made visible first, see `visible`.
  static func markup(_ text: String) -> String {
    guard text.utf8.contains(where: { !isPlain($0) }) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;".unicodeScalars
      case "<": result += "&lt;".unicodeScalars
      case ">": result += "&gt;".unicodeScalars
      case "\"": result += "&quot;".unicodeScalars
      case "'": result += "&#39;".unicodeScalars
      case longSolidus: result += "&#x338;".unicodeScalars
      default: result.append(visible(scalar))
      }
    }
    return String(result)
  }

  /// JSON that stands in an element of HTML: it holds none of the characters that HTML is made of.
  ///
  /// - Parameter text: valid JSON. Outside of its strings there are no such characters, and inside
  ///   of them each may be written by its number.
  static func json(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&", "<", ">", longSolidus, "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// A name as a part of an element's `id`: letters, digits and `_ . / :` stay, any other byte becomes
  /// `~` and two digits.
  ///
  /// Different names get different ids. No id holds a space, which would make two of it in
  /// `aria-labelledby`, nor a `%`, which browsers decode in links, nor a `-`, which divides an id into
  /// the layer's part and what belongs to the layer.
  static func identifier(_ name: String) -> String {
    var result = String.UnicodeScalarView()
    for byte in name.utf8 {
      switch Unicode.Scalar(byte) {
      case "a"..."z", "A"..."Z", "0"..."9", "_", ".", "/", ":":
        result.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += "~\(digits.count < 2 ? "0" : "")\(digits)".unicodeScalars
      }
    }
    return String(result)
  }

  /// Text in which control characters are shown by their pictures, ␀ for NUL. Those that have none,
  /// those that turn the direction of the text that follows, and those that XML forbids are shown as
  /// U+FFFD, �.
  ///
  /// Browsers replace NUL and change carriage returns by themselves, XML refuses most of the others,
  /// and a reader sees none of them.
  static func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(visible(scalar)) }
    return String(result)
  }

  private static func visible(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0x09, 0x0A: scalar
    case 0x00..<0x20: Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}"
    case 0x7F: "\u{2421}"
    case 0x80..<0xA0, 0x202A...0x202E, 0x2066...0x2069, 0xFFFE, 0xFFFF: "\u{FFFD}"
    default: scalar
    }
  }

  /// Not a special character of HTML, but `>` followed by it becomes one character, `≯`, in a file
  /// that somebody normalises to composed characters; so do `<` and `=`. The tag before a text that
  /// begins with it would then not end.
  private static let longSolidus: Unicode.Scalar = "\u{338}"

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch Unicode.Scalar(byte) {
    case "&", "<", ">", "\"", "'": false
    case " "..."~": true
    default: false
    }
  }
}
