import Foundation

/// A command that a Markdown file shows.
struct QuotedCommand: Hashable, CustomStringConvertible {
  /// Where, for example `README.md:24`.
  let place: String
  /// The words, without a comment behind them.
  let words: [String]

  var description: String { "\(place): \(words.joined(separator: " "))" }

  /// How a command is tested.
  enum Treatment: String, CaseIterable {
    /// Run to its end here: takes less than a second and needs no file of the reader's.
    case run
    /// Given to the program's own argument parser, which checks options and values; names of layers
    /// are looked up. For all that takes long, or reads and writes the reader's files.
    case parsed
    /// A script whose name, options and arguments are looked up; script/test runs some of them.
    case lookedUp
    /// A tool of the system: the files of this package that it is given have to exist.
    case tool
  }

  /// Every command in a fenced block of the language `sh`, and in backquotes.
  static let all: [QuotedCommand] = MarkdownFile.all.flatMap { file in
    let fenced = file.blocks.filter { $0.language == "sh" }.flatMap { block in
      block.lines.enumerated().map { (number: block.firstLine + $0, text: $1) }
    }
    let quoted = file.codeSpans.filter { $0.text.contains(/^script\/[a-z\-]+( |$)/) }
    return (fenced + quoted).flatMap { number, text in
      commands(in: text).map { QuotedCommand(place: "\(file.path):\(number)", words: $0) }
    }
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
