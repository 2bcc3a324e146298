/// A style sheet or script of the program's own, which stands in a page as it is.
struct OwnCode {
  let text: String

  /// Embedded files one after the other.
  ///
  /// - Parameter rules: what is put after them, of numbers only.
  init(_ files: [UInt8]..., rules: String = "") {
    // A browser turns CR LF, which a checkout may have, into LF before it hashes the text.
    text =
      files.map { String(decoding: $0.filter { $0 != 0x0D }, as: UTF8.self) }.joined(
        separator: "\n")
      + rules
    // In these an HTML parser sees markup also in code.
    for markup in ["</", "<!--", "<script"] {
      precondition(!text.utf8.contains(markup.utf8), "a page's own code holds \(markup)")
    }
  }
}
