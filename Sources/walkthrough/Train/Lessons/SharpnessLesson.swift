import Foundation

/// What the lesson on sharpness measures, and what follows from it.
struct SharpnessLesson {
  /// A place on the run.
  struct Place {
    /// How many steps led here.
    var step: Int
    var loss: Double
    /// λ, and how far it may be off: a share of it.
    var curvature: Double
    var uncertainty: Double
    /// The rate from which a small push along the eigenvector of λ grows in one step.
    var step1: Bracket
    /// The same over ten steps.
    var step10: Bracket
    /// The rate from which the loss rises in any of forty steps.
    var rising: Bracket

    /// 2/λ.
    var predicted: Double { 2 / curvature }
  }

  /// A rate at which something doesn't happen, and a slightly larger one at which it does.
  struct Bracket: Equatable {
    var below: Double
    var above: Double

    /// Between the two.
    var middle: Double { (below * above).squareRoot() }

    /// Bisects between a quarter and the fourfold of a guess, until both ends are within 5 %.
    ///
    /// - Parameter happens: whether it happens at a rate. An end where the answer is the same as at the other
    ///   stays.
    init(around guess: Double, _ happens: (_ rate: Double) throws -> Bool) rethrows {
      (below, above) = (guess / 4, guess * 4)
      while above > 1.05 * below {
        if try happens(middle) { above = middle } else { below = middle }
      }
    }
  }

  /// What became of a run at a multiple of 2/λ.
  struct Beyond {
    /// The rate, in units of 2/λ.
    var multiple: Double
    /// The loss at the end; not finite where it diverged.
    var end: Double
    /// Whether it had risen in between.
    var rose: Bool
  }

  /// The rate of the run: an eighth of 2/λ at its start.
  var rate = 0.0
  /// Along the run.
  var places: [Place] = []
  /// From the start, at rates beyond the limit.
  var beyond: [Beyond] = []
  /// The λ at the end of the first of these, if it came there.
  var curvatureBeyond: Double?
  /// With momentum, at the last place: where the loss ends above where it began.
  var momentum: Bracket?

  /// The steps of the run between two places, and those of each trial.
  static let (interval, trial) = (150, 40)
  static let places = 4
  /// The multiples of 2/λ that are tried beyond it, and for how many steps.
  static let (multiples, beyondSteps) = ([1.5, 3.0, 6.0], 100)
  /// The momentum that is tried.
  static let mu = 0.9
  /// How well λ has to be known, and how far measured and predicted limit may then be apart: a bracket's ends
  /// are 5 % apart.
  static let (known, factor) = (0.05, 1.1)

  static let explanation = """
    On L = ½·λ·w² a step of gradient descent makes (1 − η·λ)·w of w. If the rate η is above 2/λ, w jumps over \
    the valley, further each time. A network's loss bends in 200,000 directions, and the direction with the \
    largest curvature λ should set the limit: 2/λ. λ is the largest eigenvalue of the matrix H of second \
    derivatives. Reference's backward pass on dual numbers gives H·u exactly, and power iteration, \
    u ← H·u/‖H·u‖, finds λ; ‖H·u − λ·u‖ says how far an eigenvalue can be away. Theory speaks of a \
    quadratic loss, the whole batch in each step, and no momentum. So here mini learns \(Sharpness.images) \
    pictures of \(Sharpness.side)×\(Sharpness.side), always the same, without dropout and weight decay, by plain \
    gradient descent at an eighth of the first limit. At \(places) places of the run, rates are tried: from \
    which rate on does a small push along u grow, in one step and in ten? From which on does the loss rise in \
    any of \(trial) steps? Decided before: in one step, where λ is known to within 5 %, the push has to grow \
    from within a factor of \(factor) of 2/λ on. What longer runs do is measured, not expected: λ changes on \
    the way.
    """

  /// Measures; tells what it is doing.
  ///
  /// - Throws: `LayerError` or `DatasetError`, as `Sharpness.init`.
  init(seed: UInt32, say: (String) -> Void) throws {
    let lab = try Sharpness(seed: seed)
    let start = lab.parameters
    for number in 0..<Self.places {
      let largest = try lab.largestCurvature()
      let guess = 2 / largest.value
      if number == 0 { rate = guess / 8 }
      let place = Place(
        step: number * Self.interval, loss: try lab.loss(), curvature: largest.value,
        uncertainty: largest.residual / abs(largest.value),
        step1: try Bracket(around: guess) {
          try lab.growth(along: largest.vector, steps: 1, rate: $0) > 1
        },
        step10: try Bracket(around: guess) {
          try lab.growth(along: largest.vector, steps: 10, rate: $0) > 1
        },
        rising: try Bracket(around: guess) {
          Self.rises(try lab.trial(steps: Self.trial, rate: $0))
        })
      places.append(place)
      say(
        "step \(place.step): loss \(Format.value(place.loss)), λ \(Format.value(place.curvature)) "
          + "after \(largest.products) products")
      if number < Self.places - 1 {
        _ = try lab.descend(steps: Self.interval, rate: rate)
      }
    }
    if let last = places.last {
      let predicted = (1 + Self.mu) * last.predicted
      momentum = try Bracket(around: predicted) {
        let losses = try lab.trial(steps: Self.trial, rate: $0, momentum: Self.mu)
        return !(losses[losses.count - 1] <= losses[0])
      }
    }
    for multiple in Self.multiples {
      lab.parameters = start
      let losses = try lab.descend(
        steps: Self.beyondSteps, rate: multiple * places[0].predicted)
      let end = losses[losses.count - 1]
      beyond.append(Beyond(multiple: multiple, end: end, rose: Self.rises(losses)))
      say("at \(Format.value(multiple)) times 2/λ: loss \(Format.value(end))")
      if multiple == Self.multiples[0], end.isFinite {
        curvatureBeyond = try lab.largestCurvature().value
      }
    }
  }

  /// Nothing measured yet.
  init() {}

  /// Whether the loss rises in any step, or is no number.
  static func rises(_ losses: [Double]) -> Bool {
    zip(losses, losses.dropFirst()).contains { !($1 <= $0) }
  }

  /// Predicted and measured limits, a line for each place.
  var table: TextTable {
    var table = TextTable(
      header: [
        "step", "loss", "λ", "to within", "2/λ", "a push grows in 1 step", "in 10",
        "the loss rises in 40",
      ], textColumns: 0)
    table.rows = places.map {
      [
        String($0.step), Format.value($0.loss), Format.value($0.curvature),
        Format.percent($0.uncertainty), Format.value($0.predicted),
      ] + [$0.step1, $0.step10, $0.rising].map { Format.value($0.middle) }
    }
    return table
  }

  /// What was found, and whether it is what theory says.
  var findings: [LessonFinding] {
    guard let first = places.first, let last = places.last else { return [] }
    func ratios(_ places: [Place], _ bracket: KeyPath<Place, Bracket>) -> [Double] {
      places.map { $0[keyPath: bracket].middle / $0.predicted }
    }
    func text(_ ratios: [Double]) -> String {
      ratios.map { String(format: "%.2f", $0) }.joined(separator: ", ")
    }
    let known = places.filter { $0.uncertainty <= Self.known }
    let step1 = ratios(known, \.step1)
    var findings = [
      LessonFinding(
        measurement:
          "In one step, a push along u grew from \(text(step1)) times 2/λ on, at the places "
          + "where λ is known to within 5 %. As decided before, within a factor of \(Self.factor) counts "
          + "as predicted.",
        isExpected: !known.isEmpty && step1.allSatisfy { max($0, 1 / $0) <= Self.factor }),
      LessonFinding(
        measurement:
          "In ten steps it grew from \(text(ratios(places, \.step10))) times 2/λ on, and the "
          + "loss rose in one of \(Self.trial) steps from \(text(ratios(places, \.rising))) times on. "
          + "These would be 1, too, if the loss were quadratic. (0.26 and 3.9 are the ends of what was "
          + "tried.)"),
      LessonFinding(
        measurement:
          "Not quadratic: λ doesn't stay. On the run at a rate of \(Format.value(rate)) it went "
          + "from \(Format.value(first.curvature)) to \(Format.value(last.curvature)), and the limit from "
          + "\(Format.value(first.predicted)) to \(Format.value(last.predicted))."),
    ]
    let ends = beyond.map {
      "at \(Format.value($0.multiple)) times it ended at "
        + ($0.end.isFinite ? Format.value($0.end) : "no number") + ($0.rose ? " after rising" : "")
    }
    let later = curvatureBeyond.map {
      " After the first of these, λ was \(Format.value($0)), so that 2/λ is "
        + "\(Format.value(2 / $0)) there; its rate was "
        + "\(Format.value(Self.multiples[0] * first.predicted))."
    }
    findings.append(
      LessonFinding(
        measurement:
          "Not quadratic: beyond the limit, a quadratic loss grows without end. From the start, with "
          + "a loss of \(Format.value(first.loss)), in \(Self.beyondSteps) steps, this loss did so: "
          + "\(ends.joined(separator: "; "))." + (later ?? "")))
    if let momentum {
      let predicted = (1 + Self.mu) * last.predicted
      findings.append(
        LessonFinding(
          measurement: "With momentum \(Self.mu), a quadratic loss bears up to 2·(1 + μ)/λ = "
            + "\(Format.value(predicted)). Here it ended above its beginning from "
            + "\(Format.value(momentum.middle)) on, "
            + String(format: "%.2f times that.", momentum.middle / predicted)))
    }
    return findings
  }

  /// λ along the run, and the λ at which the run's rate is the limit.
  var chart: SVGCurves {
    SVGCurves(
      title: Lesson.sharpness.title, subtitle: "largest curvature λ along the run",
      curves: [
        .init(
          name: "λ", points: places.map { ($0.step, $0.curvature) }, colour: 0),
        .init(
          name: "2/η: above it the run's rate is too large",
          points: places.map { ($0.step, 2 / rate) }, colour: 1),
      ])
  }
}
