import ArgumentParser
import Foundation

/// The newest heading of `CHANGELOG.md`.
let releaseName = "unreleased"

/// The command line of the project.
@main
struct Walkthrough: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "walkthrough",
    abstract: "Steps through AlexNet layer by layer, every number computed twice.",
    discussion: "--version alone says which release this is.",
    subcommands: [
      Tour.self, Shapes.self, Check.self, Train.self, Compare.self, LadderCommand.self,
      WritePrototxt.self, Lint.self,
      TestNetwork.self, Dump.self, Classify.self, ConvertImages.self, Mean.self,
      ConvertWeights.self, Scale.self,
    ],
    defaultSubcommand: Tour.self)

  /// Runs a command; fails when what it printed could not be written.
  static func main() {
    // Writing beyond a limit of the size of files (`ulimit -f`) is an error like others.
    signal(SIGXFSZ, SIG_IGN)
    TerminalSignals.take()
    do {
      try Surroundings.check()
      let arguments = CommandLine.arguments.dropFirst()
      if arguments == ["--version"] { return print("walkthrough, \(releaseName)") }
      try requireKnownCommand(arguments.first)
      try refuseEmpty(arguments)
      var command = try parseAsRoot()
      do {
        try command.run()
      } catch let code as ExitCode {
        // The command has said what is wrong, if that could be written.
        try Output.finish()
        throw code
      }
      try Output.finish()
    } catch {
      let (code, text) = (exitCode(for: error), fullMessage(for: error))
      guard code != .success else {
        print(text)
        fflush(nil)
        Foundation.exit(code.rawValue)
      }
      // Names in it may come from anywhere.
      if !text.isEmpty { Output.say(Escaping.visible(text) + "\n") }
      Foundation.exit(code.rawValue)
    }
  }

  /// Refuses words without a letter. No file, layer or number is called so; as a file's name, it would
  /// stand for the current folder.
  private static func refuseEmpty(_ words: ArraySlice<String>) throws {
    for (index, word) in zip(words.indices, words) {
      let option = word.hasPrefix("--") && word.hasSuffix("=") ? String(word.dropLast()) : nil
      guard word.isEmpty || option != nil else { continue }
      let before = index > words.startIndex ? words[index - 1] : ""
      let name = option ?? (before.hasPrefix("-") ? before : "a name")
      throw ValidationError("\(name) is empty: say what it is to be, or leave it out.")
    }
  }

  /// Without a command, options are those of the tour; a word would be taken for one of its arguments.
  private static func requireKnownCommand(_ word: String?) throws {
    guard let word, word.utf8.first != UInt8(ascii: "-"), word != "help" else { return }
    let known = configuration.subcommands.flatMap {
      [$0._commandName] + $0.configuration.aliases
    }
    guard !known.contains(word) else { return }
    throw ValidationError(
      "there is no command \"\(word)\". There are: \(known.joined(separator: ", ")).")
  }
}
