/// What a lesson's runs showed, computed from their results.
struct LessonFinding: Equatable {
  /// What was measured.
  var measurement: String
  /// Whether it is what the lesson's explanation leads to expect; `nil` where that is left open.
  var isExpected: Bool?

  /// What a reader makes of it.
  var verdict: String? {
    isExpected.map {
      $0
        ? "As expected."
        : "Not as expected: a short run with one seed needn't show it; try another --seed."
    }
  }
}
