import Workbench

/// What the command says.
enum Text {
  static let toBeWritten = "to be written"

  static func isRight(_ states: [(part: Exercise.Part, state: Exercise.State)]) -> Bool {
    states.allSatisfy { if case .right = $0.state { true } else { false } }
  }

  /// One exercise, a line for each part and what is wrong with the first that isn't right.
  static func lines(
    _ exercise: Exercise, _ states: [(part: Exercise.Part, state: Exercise.State)]
  ) -> [String] {
    var lines = ["\(exercise.name): \(exercise.title)"]
    let width = exercise.parts.map(\.name.count).max() ?? 0
    var last: [String] = []
    for (part, state) in states {
      let name = part.name + String(repeating: " ", count: width - part.name.count)
      switch state {
      case .right(let how):
        lines.append("  ✓ \(name)  \(how)")
      case .wrong(let why):
        lines.append("  ✗ \(name)  not right yet:")
        lines += why.flatMap { $0.split(separator: "\n") }.map { "      \($0)" }
        last = ["Something is wrong in \(path(exercise))."]
      case .unwritten(let gaps):
        let places = gaps.map { "\(path(exercise)):\($0.line)" }.joined(separator: ", ")
        lines.append("  … \(name)  \(toBeWritten): \(places)")
        last = ["The formula is at the top of that file; \(exercise.chapter) derives the gradient."]
      case .waiting:
        lines.append("  · \(name)  after that")
      }
    }
    if last.isEmpty { return lines + ["Right."] + Sources.beside(exercise) + after(exercise) }
    return lines + last + ["Stuck? script/exercise \(exercise.name) --hint"]
  }

  /// What the library does otherwise, how long both take, and where to go on.
  private static func after(_ exercise: Exercise) -> [String] {
    let next = exercise.next.map { "Next: script/exercise \($0.name), \($0.title)" }
    let times = (try? exercise.times?()).flatMap { $0 }
    return ["", wrapped("The difference: \(exercise.difference)")]
      + (times.map { [wrapped($0.text)] } ?? []) + [next ?? "Next: script/exercise train"]
  }

  /// The first hints of an exercise.
  static func hints(_ exercise: Exercise, _ count: Int) -> String {
    let shown = exercise.hints.prefix(count).enumerated().map { number, hint in
      "Hint \(number + 1) of \(exercise.hints.count): \(hint)"
    }
    let more =
      count < exercise.hints.count ? "The same command shows one more." : "That was the last hint."
    return (shown + [more]).map(wrapped).joined(separator: "\n\n")
  }

  /// The exercises, a line each.
  static var list: String {
    let width = Exercise.all.map(\.name.count).max() ?? 0
    return Exercise.all.map { exercise in
      exercise.name + String(repeating: " ", count: width - exercise.name.count)
        + "  \(exercise.title)"
    }.joined(separator: "\n")
  }

  /// What to say when a check hasn't ended for long.
  static let stillRunning = """
    Still checking, and that usually takes seconds. If a loop of yours doesn't end, Ctrl-C stops it.

    """

  /// What to say when the learner's code ended the process.
  static func trapped(_ exercise: Exercise, message: String?, line: Int?) -> [String] {
    let place = path(exercise) + (line.map { ":\($0)" } ?? "")
    return [
      "\(exercise.name): \(exercise.title)",
      "  ✗ Your code stopped the program in \(place):",
      "      \(message ?? "it trapped")",
      "    An index beyond the end of a tensor, a number too large for Int, and a range whose end",
      "    lies before its beginning do that. Check the bounds of your loops against the shapes.",
      "Stuck? script/exercise \(exercise.name) --hint",
    ]
  }

  /// What to say when the learner's code doesn't end.
  static func endless(_ exercise: Exercise) -> [String] {
    [
      "\(exercise.name): \(exercise.title)",
      "  ✗ Your code in \(path(exercise)) doesn't end.",
      "    A `while` whose condition stays true does that; does each turn bring it nearer its end?",
      "Stuck? script/exercise \(exercise.name) --hint",
    ]
  }

  private static func path(_ exercise: Exercise) -> String {
    "Exercises/Sources/Exercises/\(exercise.file)"
  }

  private static func wrapped(_ text: String) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty && line.count + 1 + word.count > 80 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " " + word
    }
    return (lines + [line]).joined(separator: "\n")
  }
}
