import ArgumentParser
import Foundation
import Networks
import Testing

@testable import walkthrough

@Suite("Commands in Markdown")
struct CommandTests {
  @Test("work")
  func work() throws {
    var counts: [QuotedCommand.Treatment: Int] = [:]
    var done: Set<[String]> = []
    let folder = try CommandFolder()
    for command in QuotedCommand.all.sorted(by: CommandFolder.isBefore) {
      guard let treatment = treatment(of: command) else {
        Issue.record("\(command): say in CommandTests how this is to be tested")
        continue
      }
      counts[treatment, default: 0] += 1
      guard done.insert(command.words).inserted else { continue }
      switch treatment {
      case .run: try run(command, in: folder)
      case .shortened:
        parse(command)
        try run(command, in: folder, lessened: true)
      case .parsed: parse(command)
      case .lookedUp: try lookUp(command)
      case .tool: break
      }
      expectFiles(command)
    }
    for treatment in QuotedCommand.Treatment.allCases { #expect(counts[treatment] != nil) }
    let summary = QuotedCommand.Treatment.allCases.map {
      "\(counts[$0, default: 0]) \($0.rawValue)"
    }
    print("commands in Markdown: \(summary.joined(separator: ", "))")
  }

  private func treatment(of command: QuotedCommand) -> QuotedCommand.Treatment? {
    switch command.words[0] {
    case "script/walkthrough":
      let isCheap =
        ["shapes", "help"].contains(command.words.dropFirst().first)
        || command.words.contains("--help") || command.words.contains("--broken")
      if isCheap { return .run }
      let options = CommandFolder.options(lessening: Array(command.words.dropFirst()))
      return options == nil ? .parsed : .shortened
    case let word where word.hasPrefix("script/"): return .lookedUp
    case "swift", "git", "python3", "apt-get", "cd", "head", "grep", "pip", "diff", "curl",
      "sha256sum":
      return .tool
    default: return nil
    }
  }

  private func run(
    _ command: QuotedCommand, in folder: borrowing CommandFolder, lessened: Bool = false
  ) throws {
    let arguments = Array(command.words.dropFirst())
    let less = lessened ? CommandFolder.options(lessening: arguments) ?? [] : []
    let result = try runWalkthrough(arguments + less, in: folder.url)
    // A broken layer is found to be broken, and the files of Caffe's example have faults: that is no
    // success.
    let findsFaults = arguments.contains("--broken") || arguments.first == "lint"
    #expect(result.exitCode == (findsFaults ? 1 : 0), "\(command): \(result.errors)")
    #expect(!result.output.isEmpty || !result.errors.isEmpty, "\(command)")
  }

  /// The name of a command alone, in a sentence.
  private func isName(_ command: QuotedCommand) -> Bool {
    command.isInProse && command.words.count == 2
  }

  private func parse(_ command: QuotedCommand) {
    let arguments = Array(command.words.dropFirst())
    do {
      // The name of a command alone has to be one.
      _ = try Walkthrough.parseAsRoot(isName(command) ? arguments + ["--help"] : arguments)
      if let layer = value(of: "--layer", in: arguments) {
        let network = value(of: "--network", in: arguments).flatMap(NetworkChoice.init(rawValue:))
        _ = try (network ?? .caffenet).definition().index(of: layer)
      }
    } catch {
      // Help that was asked for comes as an error too, a successful one.
      let isRight = Walkthrough.exitCode(for: error) == .success
      #expect(isRight, "\(command): \(Walkthrough.message(for: error))")
    }
  }

  private func value(of option: String, in arguments: [String]) -> String? {
    arguments.firstIndex(of: option).flatMap {
      arguments.indices.contains($0 + 1) ? arguments[$0 + 1] : nil
    }
  }

  private func lookUp(_ command: QuotedCommand) throws {
    let path = PackageFolder.root.appending(path: command.words[0]).path
    #expect(FileManager.default.isExecutableFile(atPath: path), "\(command): no such script")
    let arguments = command.words.dropFirst()
    switch command.words[0] {
    case "script/exercise":
      // The options that the script's own help would list, and the names of the exercises.
      let options = ["--list", "--all", "--hint", "--hints", "--help", "NAME", "train"]
      let names = try PackageFolder.paths(withSuffix: ".swift")
        .filter { $0.hasPrefix("Exercises/Sources/exercise/Catalogue/") }
        .flatMap { path in
          try PackageFolder.contents(path).matches(of: /\n    name: "([a-z0-9\-]+)"/)
            .map { String($0.output.1) }
        }
      for argument in arguments {
        #expect((options + names).contains(argument), "\(command): no exercise \(argument)")
      }
    case "script/test":
      if let filter = value(of: "--filter", in: Array(arguments)) {
        let tests = PackageFolder.paths(withSuffix: ".swift").filter { $0.hasPrefix("Tests/") }
        let isFound = try tests.contains { path in
          let text = try PackageFolder.contents(path)
          return path.contains("/\(filter)") || text.contains(" \(filter)")
        }
        #expect(isFound, "\(command): no test is called \(filter)")
      }
    default: break
    }
  }

  /// Words that look like files of the package have to be some.
  private func expectFiles(_ command: QuotedCommand) {
    for word in command.words
    where word.contains(/^(Sources|Tests|Docs|script|Benchmarks|Exercises)(\/|$)/) {
      #expect(PackageFolder.contains(word), "\(command): no file \(word)")
    }
  }
}
