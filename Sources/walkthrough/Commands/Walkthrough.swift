import ArgumentParser

/// The command line of the project.
@main
struct Walkthrough: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "walkthrough",
    abstract: "Steps through AlexNet layer by layer, every number computed twice.",
    subcommands: [
      Tour.self, Shapes.self, Check.self, Train.self, Compare.self, WritePrototxt.self, Lint.self,
      Evaluate.self, Classify.self, ConvertImages.self, Mean.self,
    ],
    defaultSubcommand: Tour.self)

  /// Runs a command; fails when what it printed could not be written.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
      try Output.finish()
    } catch {
      exit(withError: error)
    }
  }
}
