import Workbench

/// Something that a learner writes, and how it is checked.
struct Exercise: Sendable {
  /// What it is called on the command line.
  let name: String
  /// What is to be written, in a few words.
  let title: String
  /// The file to write it in.
  let file: String
  /// The chapter to read first.
  let chapter: String
  /// The file of the library that does the same, from the package's root; `nil` where none does just
  /// that.
  let twin: String?
  /// How the library's way differs, in a sentence or two.
  let difference: String
  /// What helps, from a nudge to almost all of it.
  let hints: [String]
  /// What is checked, in the order in which it is best written.
  let parts: [Part]
  /// How long it takes beside the naive version; `nil` where there is none of the same.
  var times: (@Sendable () throws -> Times?)?

  /// A piece of an exercise that is checked by itself.
  struct Part: Sendable {
    /// The name that its gaps have.
    let name: String
    /// Looks at what the learner has written.
    let check: @Sendable () throws -> Finding
  }

  /// What a check found.
  enum Finding {
    /// It is right, and this is how that was found.
    case right(String)
    /// It is wrong, and this is what is known about why.
    case wrong([String])
  }

  /// How far a part has come.
  enum State {
    case right(String)
    case wrong([String])
    /// Its gaps are still there.
    case unwritten([Gap])
    /// A part before it isn't right yet.
    case waiting
  }

  /// Every exercise, in the order in which they are best done.
  static let all = [
    relu, maxPooling, innerProduct, dropout, convolution, lrnBackward, softmaxLoss, momentum,
    network, im2col, gemm, winograd,
  ]

  /// The one after this; `nil` after the last.
  var next: Exercise? {
    Exercise.all.firstIndex { $0.name == name }
      .flatMap { Exercise.all.indices.contains($0 + 1) ? Exercise.all[$0 + 1] : nil }
  }

  /// Checks one part after the other, up to the first that isn't right.
  func states() -> [(part: Part, state: State)] {
    var states: [(Part, State)] = []
    var goesOn = true
    for part in parts {
      let state = goesOn ? state(of: part) : .waiting
      if case .right = state {} else { goesOn = false }
      states.append((part, state))
    }
    return states
  }

  private func state(of part: Part) -> State {
    let (finding, reached) = Gap.reached {
      do {
        return try part.check()
      } catch {
        return Finding.wrong(["\(error)"])
      }
    }
    let gaps = reached.filter { $0.part == part.name }
    guard gaps.isEmpty else { return .unwritten(gaps) }
    switch finding {
    case .right(let how): return .right(how)
    case .wrong(let why): return .wrong(why)
    }
  }
}
