import Foundation

/// A command that a Markdown file shows.
struct QuotedCommand: Hashable, CustomStringConvertible {
  /// Where, for example `README.md:24`.
  let place: String
  /// The words, without a comment behind them.
  let words: [String]
  /// Whether it stands in a sentence, where `script/walkthrough evaluate` may be just a name.
  let isInProse: Bool

  var description: String { "\(place): \(words.joined(separator: " "))" }

  /// How a command is tested.
  enum Treatment: String, CaseIterable {
    /// Run to its end here: takes less than a second and needs no file of the reader's.
    case run
    /// Given to the argument parser as it stands, then run to its end in a `CommandFolder`, on less
    /// work.
    case shortened
    /// Given to the program's own argument parser, which checks options and values; names of layers
    /// are looked up. For what takes long whatever is done, or names no files.
    case parsed
    /// A script whose name, options and arguments are looked up; script/test runs some of them.
    case lookedUp
    /// A tool of the system: the files of this package that it is given have to exist.
    case tool
  }

  /// Every command in a fenced block of the language `sh`, and in backquotes.
  static let all: [QuotedCommand] = MarkdownFile.all.flatMap { file in
    let fenced: [(number: Int, text: String, isInProse: Bool)] = file.blocks
      .filter { $0.language == "sh" }.flatMap { block in
        whole(block.lines).map { (block.firstLine + $0, $1, false) }
      }
    let quoted = file.codeSpans.filter { $0.text.contains(/^script\/[a-z\-]+( |$)/) }
      .map { (number: $0.number, text: $0.text, isInProse: true) }
    return (fenced + quoted).flatMap { number, text, isInProse in
      commands(in: text).map {
        QuotedCommand(place: "\(file.path):\(number)", words: $0, isInProse: isInProse)
      }
    }
  }

  /// Lines by number; one that ends in a backslash goes on in the next.
  private static func whole(_ lines: [String]) -> [(offset: Int, text: String)] {
    var found: [(offset: Int, text: String)] = []
    for (offset, line) in lines.enumerated() {
      if let last = found.last, last.text.hasSuffix("\\") {
        found[found.count - 1].text = last.text.dropLast() + line
      } else {
        found.append((offset, line))
      }
    }
    return found
  }

  /// The commands of a line: those before and behind a pipe, without redirections and variables.
  private static func commands(in line: String) -> [[String]] {
    let code = line.replacing(/(^|\s)#.*/, with: "")
    return code.split(separator: /\||&&/).compactMap { part in
      var words: [String] = []
      var skipsNext = false
      for match in part.matches(of: /'([^']*)'|"([^"]*)"|[^\s'"]+/) {
        let word = String(match.output.1 ?? match.output.2 ?? match.output.0)
        if skipsNext {
          skipsNext = false
        } else if word.contains(/^[0-9]?[<>]+$/) {
          skipsNext = true
        } else if !(words.isEmpty && word.contains(/^[A-Z_]+=/)) && !word.contains(/^[0-9]?[<>]/) {
          words.append(word)
        }
      }
      return words.isEmpty ? nil : words
    }
  }
}
