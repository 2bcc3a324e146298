import ArgumentParser
import Foundation

/// The command line of the project.
@main
struct Walkthrough: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "walkthrough",
    abstract: "Steps through AlexNet layer by layer, every number computed twice.",
    subcommands: [
      Tour.self, Shapes.self, Check.self, Train.self, Compare.self, LadderCommand.self,
      WritePrototxt.self, Lint.self,
      TestNetwork.self, Dump.self, Classify.self, ConvertImages.self, Mean.self,
      ConvertWeights.self,
    ],
    defaultSubcommand: Tour.self)

  /// Runs a command; fails when what it printed could not be written.
  static func main() {
    // Writing beyond a limit of the size of files (`ulimit -f`) is an error like others.
    signal(SIGXFSZ, SIG_IGN)
    TerminalSignals.take()
    do {
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
      exit(withError: error)
    }
  }
}
