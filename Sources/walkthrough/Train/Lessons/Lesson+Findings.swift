import Foundation

extension Lesson {
  /// What the runs of this lesson showed, whether or not it is what they should.
  ///
  /// - Parameter outcomes: those of `runs`, in their order; nothing is found in fewer.
  func findings(_ outcomes: [LessonOutcome]) -> [LessonFinding] {
    // Too large a rate is meant to do that, and among several rates it doesn't suit.
    let mayDiverge = self == .learningRate || self == .reluOrTanh
    let broken = mayDiverge ? nil : outcomes.first { $0.divergence != nil }
    if let broken, let end = broken.divergence {
      return [
        LessonFinding(
          measurement: "\(broken.label): the loss was \(end.loss) in iteration \(end.iteration), "
            + "so there is nothing to compare.", isExpected: false)
      ]
    }
    guard outcomes.count == runs(seed: 1).count else { return [] }
    switch self {
    case .zeroWeights: return Self.zeroWeights(outcomes[0])
    case .learningRate: return Self.learningRates(outcomes, right: outcomes[1])
    case .noMomentum:
      return Self.momentum(outcomes[0], without: outcomes[1], raised: outcomes[2])
    case .noLRN: return Self.normalisation(outcomes[0], without: outcomes[1], strong: outcomes[2])
    case .noDropout: return Self.dropout(outcomes[0], without: outcomes[1])
    case .overfitOneBatch: return Self.oneBatch(outcomes[0])
    case .groupTwo: return Self.groups(outcomes[0], whole: outcomes[1])
    case .reluOrTanh: return Self.bends(outcomes)
    case .sharpness: return []
    }
  }

  private static func zeroWeights(_ run: LessonOutcome) -> [LessonFinding] {
    guard let first = run.log.losses.first else { return [] }
    let moved = run.parameters.filter(\.hasMoved).map(\.name)
    return [
      LessonFinding(
        measurement: String(
          format: "The loss started at %.4f; ln %d is %.4f.", first, run.classes, run.guess),
        // A mean of single precision logarithms.
        isExpected: abs(first - run.guess) < 1e-4),
      LessonFinding(
        measurement: "Moved in \(run.log.losses.count) iterations: "
          + (moved.isEmpty ? "nothing" : moved.joined(separator: ", "))
          + "; \(run.parameters.count - moved.count) of \(run.parameters.count) parameters are what "
          + "they were.",
        isExpected: moved == run.parameters.suffix(1).map(\.name)),
    ]
  }

  private static func learningRates(
    _ runs: [LessonOutcome], right: LessonOutcome
  ) -> [LessonFinding] {
    let ends = runs.map { run in
      let end =
        run.divergence.map { "\($0.loss) in iteration \($0.iteration)" }
        ?? "\(number(run.lastLoss)) (at worst \(number(run.log.losses.max())))"
      return "at \(end) with \(run.label)"
    }
    let others = runs.filter { $0.label != right.label }.map(end)
    return [
      LessonFinding(
        measurement: "The loss ended \(ends.joined(separator: "; ")). Guessing has "
          + "\(number(right.guess)).",
        isExpected: end(right) < min(others.min() ?? .infinity, right.guess))
    ]
  }

  /// The loss at the end; infinite for a run that didn't come there.
  private static func end(_ run: LessonOutcome) -> Double {
    run.divergence == nil ? run.lastLoss ?? .infinity : .infinity
  }

  private static func momentum(
    _ with: LessonOutcome, without: LessonOutcome, raised: LessonOutcome
  ) -> [LessonFinding] {
    guard let fast = with.lastLoss, let slow = without.lastLoss, let third = raised.lastLoss
    else { return [] }
    let iterations = without.log.losses.count
    var findings = [
      LessonFinding(
        measurement: "After \(iterations) iterations the loss was \(number(fast)) with momentum "
          + "and \(number(slow)) without.", isExpected: fast < slow)
    ]
    if let reached = with.iteration(reaching: slow) {
      findings.append(
        LessonFinding(
          measurement: "What took \(iterations) iterations without momentum took \(reached) with "
            + "it.", isExpected: reached < iterations))
    }
    findings.append(
      LessonFinding(
        measurement: "Without momentum, but with 10 times the rate, the loss was \(number(third)): "
          + (abs(third - fast) < abs(third - slow)
            ? "nearer to the run with momentum." : "nearer to the run at the old rate."),
        isExpected: abs(third - fast) < abs(third - slow)))
    return findings
  }

  private static func normalisation(
    _ with: LessonOutcome, without: LessonOutcome, strong: LessonOutcome
  ) -> [LessonFinding] {
    func effects(_ run: LessonOutcome) -> String {
      let effects = run.normalisations.map {
        "\($0.layer) divided values of size \(number($0.size)) (root mean square) by "
          + "\(number($0.meanDivisor)) in the mean and \(number($0.greatestDivisor)) at most"
      }
      return "\(run.label), last batch: \(effects.joined(separator: "; "))."
    }
    // A change of a twentieth is little beside what training changes.
    func isFelt(_ run: LessonOutcome) -> Bool {
      run.normalisations.contains { $0.meanDivisor > 1.05 }
    }
    return [
      LessonFinding(measurement: effects(with), isExpected: !isFelt(with)),
      accuracies(with, without, expectEqual: true),
      LessonFinding(measurement: effects(strong), isExpected: isFelt(strong)),
      accuracies(strong, without, expectEqual: false),
    ].compactMap { $0 }
  }

  private static func dropout(
    _ with: LessonOutcome, without: LessonOutcome
  ) -> [LessonFinding] {
    guard let ownWith = with.ownPictures, let unseenWith = with.test,
      let ownWithout = without.ownPictures, let unseenWithout = without.test
    else { return [] }
    func text(
      _ label: String, _ own: LessonOutcome.Score, _ unseen: LessonOutcome.Score
    ) -> String {
      "\(label): loss \(number(own.loss)) on its own pictures, \(number(unseen.loss)) on unseen ones "
        + "(\(Format.percent(own.accuracy)) and \(Format.percent(unseen.accuracy)) recognised)"
    }
    let gaps = (unseenWith.loss - ownWith.loss, unseenWithout.loss - ownWithout.loss)
    return [
      LessonFinding(
        measurement: text(without.label, ownWithout, unseenWithout)
          + ". A gap is overfitting.", isExpected: gaps.1 > 0),
      LessonFinding(
        measurement: text(with.label, ownWith, unseenWith)
          + ". Dropout made the gap \(number(gaps.0)) instead of \(number(gaps.1)).",
        isExpected: gaps.0 < gaps.1),
    ]
  }

  private static func oneBatch(_ run: LessonOutcome) -> [LessonFinding] {
    guard let own = run.ownPictures, let unseen = run.test else { return [] }
    let goal = 0.1
    let iterations = run.log.losses.count
    let reached = run.iteration(reaching: goal)
    return [
      LessonFinding(
        measurement: (reached.map { "The loss was below \(goal) after \($0) iterations" }
          ?? "The loss was not below \(goal) after \(iterations) iterations")
          + " (mean of \(LessonOutcome.window)); in the end "
          + "\(Format.percent(own.accuracy)) of the pictures are recognised.",
        isExpected: reached != nil && own.accuracy == 1),
      LessonFinding(
        measurement:
          "Of \(run.testImages) unseen pictures it is \(Format.percent(unseen.accuracy)): "
          + "guessing gives \(Format.percent(1 / Double(run.classes))).",
        isExpected: unseen.accuracy < own.accuracy),
    ]
  }

  private static func groups(
    _ split: LessonOutcome, whole: LessonOutcome
  ) -> [LessonFinding] {
    let counts = LessonFinding(
      measurement: "\(split.label): \(Format.grouped(split.parameterCount)) parameters; "
        + "\(whole.label): \(Format.grouped(whole.parameterCount)).",
      isExpected: split.parameterCount < whole.parameterCount)
    var findings = [counts] + [accuracies(split, whole, expectEqual: false)].compactMap { $0 }
    for run in [split, whole] {
      guard let halves = run.filters.map(FilterHalves.init) else { continue }
      findings += [
        compared(halves.colour, "colour makes", of: "the weights", run.label),
        compared(halves.uprightness, "left to right runs", of: "the change", run.label),
      ]
    }
    return findings
  }

  /// - Parameter runs: for each seed, for each bend, for each rate.
  private static func bends(_ runs: [LessonOutcome]) -> [LessonFinding] {
    let goal = (runs.first?.guess ?? 0) / 2
    // What diverged doesn't come there either: it counts as a whole run.
    let never = (runs.map(\.log.losses.count).max() ?? 0) + 1
    let taken = runs.map { $0.iteration(reaching: goal) ?? never }
    func counts(_ bend: Int) -> [[Int]] {
      (0..<seeds).map { seed in
        Array(taken[((seed * bends.count + bend) * rates.count)...].prefix(rates.count))
      }
    }
    return BendComparison(fast: counts(0), slow: counts(1))
      .findings((bends[0].name, bends[1].name), rates: rates, goal: goal)
  }

  /// The level of the lesson, decided before any run: if the halves are dealt by chance, one of its four
  /// comparisons says otherwise in at most so many of the runs (Bonferroni: a quarter of it for each).
  static let level = 0.05
  static let comparisons = 4

  private static func compared(
    _ trait: FilterHalves.Trait, _ verb: String, of whole: String, _ label: String
  ) -> LessonFinding {
    let test = trait.permutationTest()
    return LessonFinding(
      measurement: "\(label): \(verb) \(Format.percent(trait.first)) of \(whole) in the first "
        + "half of conv1's filters and \(Format.percent(trait.second)) in the second. "
        + verdict(test))
  }

  /// The numbers of a test and what follows from them, by the level that was decided beforehand.
  static func verdict(_ test: PermutationTest) -> String {
    let each = level / Double(comparisons)
    return "Of \(Format.grouped(test.deals)) deals of the same filters into halves at random, "
      + "\(Format.grouped(test.extreme)) differ as much: p = \(Format.value(test.p)), "
      + (test.p <= each
        ? "at most \(Format.value(each)): more than chance makes. Do other seeds show it?"
        : "above \(Format.value(each)): no more than chance makes.")
  }

  /// Two accuracies, and whether their difference is more than that of two counts of pictures.
  private static func accuracies(
    _ first: LessonOutcome, _ second: LessonOutcome, expectEqual: Bool
  ) -> LessonFinding? {
    guard let a = first.test?.accuracy, let b = second.test?.accuracy else { return nil }
    let variances = [(a, first.testImages), (b, second.testImages)].map { accuracy, images in
      accuracy * (1 - accuracy) / Double(max(images, 1))
    }
    let error = variances.reduce(0, +).squareRoot()
    let isEqual = abs(a - b) <= 2 * error
    return LessonFinding(
      measurement: "Test accuracy: \(first.label) \(Format.percent(a)), \(second.label) "
        + "\(Format.percent(b)). The difference is \(isEqual ? "within" : "beyond") twice the error "
        + "of counting \(second.testImages) pictures, \(Format.percent(2 * error)).",
      isExpected: expectEqual ? isEqual : nil)
  }

  private static func number(_ value: Double?) -> String {
    value.map { String(format: "%.3f", $0) } ?? "none"
  }
}
