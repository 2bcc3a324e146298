import GradientChecking

/// Shows how far a long check has come, and how long the tensor under check is going to take.
struct CheckWatch {
  /// What is being checked.
  let what: String
  let progress: Progress

  private var tensor = -1
  private var start = ContinuousClock.now
  private var shown = ContinuousClock.now

  init(what: String, progress: Progress) {
    self.what = what
    self.progress = progress
  }

  /// Takes note of a moment, and shows one of each second.
  mutating func see(_ state: CheckProgress) {
    let now = ContinuousClock.now
    if state.tensorsDone != tensor { (tensor, start) = (state.tensorsDone, now) }
    guard shown.duration(to: now) >= .seconds(1) else { return }
    shown = now
    let share = Double(state.linesDone) / Double(max(state.lines, 1))
    let seconds = start.duration(to: now) / .seconds(1)
    var text = "\(what): \(state.tensor) \(Format.percent(share))"
    // Of the first lines nothing can be told.
    if share > 0.01, seconds > 1 {
      text += ", \(Format.grouped(Int((seconds / share * (1 - share)).rounded()))) s left"
    }
    progress.detail(text)
  }
}
