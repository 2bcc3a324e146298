import ArgumentParser

/// The command line of the project.
@main
struct Walkthrough: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Steps through AlexNet, layer by layer.")
}
