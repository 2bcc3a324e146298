import Exercises
import Layers
import Reference
import Tensors

extension Exercise {
  static let momentum = Exercise(
    name: "momentum",
    title: "a step of SGD with momentum and weight decay",
    file: "Momentum.swift",
    chapter: "Docs/14-SGD.md",
    twin: "Sources/Reference/SGD.swift",
    difference: """
      Reference takes the same step, and knows L1 decay and a scale for clipped gradients too.
      """,
    hints: [
      """
      One loop over all elements. Decay is a part of the gradient, so it comes first: \
      g = gradient[i] + decay · parameter[i], with the parameter before the step.
      """,
      """
      momentumBuffer[i] is h before the step and has to be h after it. The learning rate is inside \
      of h, so the last line has none.
      """,
    ],
    parts: [
      Part(name: "step") { try steps() }
    ], times: times)

  private static func times() -> Times {
    let shape = Shape(10_000)
    var generator = SplitMix64(seed: 1)
    let gradient = Tensor<Double>.normal(shape, using: &generator)
    let step = SGDStep(rate: 0.1, momentum: 0.9, decay: 0.05)
    var (w, h) = (gradient, Tensor<Double>(shape))
    let (mine, twin) = (MomentumStep<Double>(), ReferenceBackend<Double>())
    return Times(
      "a step of 10,000 weights",
      mine: { mine.take(step, on: &w, momentumBuffer: &h, gradient: gradient) },
      twin: { twin.take(step, on: &w, momentumBuffer: &h, gradient: gradient) })
  }

  /// How a step may be taken: rightly, or with a mistake that many make.
  private static let mistakes: [(name: String, take: Take)] = [
    ("without momentum", { s, w, h, g in w -= s.rate * (g + s.decay * w) }),
    (
      "without weight decay",
      { s, w, h, g in
        h = s.rate * g + s.momentum * h; w -= h
      }
    ),
    (
      "with decay of the weight beside the gradient (AdamW has it so): it has to go through h",
      { s, w, h, g in
        h = s.rate * g + s.momentum * h; w -= h + s.rate * s.decay * w
      }
    ),
    (
      "with the rate outside of h, as PyTorch has it: h = g + momentum·h, w −= rate·h",
      { s, w, h, g in
        h = g + s.decay * w + s.momentum * h; w -= s.rate * h
      }
    ),
    (
      "with momentum of the other sign",
      { s, w, h, g in
        h = s.rate * (g + s.decay * w) - s.momentum * h; w -= h
      }
    ),
    (
      "uphill: w + h",
      { s, w, h, g in
        h = s.rate * (g + s.decay * w) + s.momentum * h; w += h
      }
    ),
    (
      "of Nesterov's kind: momentum is added once more",
      { s, w, h, g in
        let before = h
        h = s.rate * (g + s.decay * w) + s.momentum * h
        w -= (1 + s.momentum) * h - s.momentum * before
      }
    ),
    (
      "with momentum for the new part too, as a running mean has it",
      { s, w, h, g in
        h = (1 - s.momentum) * s.rate * (g + s.decay * w) + s.momentum * h
        w -= h
      }
    ),
  ]

  private typealias Take =
    @Sendable (SGDStep, _ w: inout Double, _ h: inout Double, _ g: Double) -> Void

  /// Four steps in a row, on gradients that change.
  private static func steps() throws -> Finding {
    let backend = ReferenceBackend<Double>()
    let mine = MomentumStep<Double>()
    let shape = Shape(3, 4)
    let cases = [
      ("rate 0.1 alone", SGDStep(rate: 0.1)),
      ("rate 0.1, momentum 0.9", SGDStep(rate: 0.1, momentum: 0.9)),
      ("rate 0.1, momentum 0.9, decay 0.05", SGDStep(rate: 0.1, momentum: 0.9, decay: 0.05)),
    ]
    for (title, step) in cases {
      var generator = SplitMix64(seed: 1)
      let start = Tensor<Double>.normal(shape, using: &generator)
      var (w, h) = (start, Tensor<Double>(shape))
      var (mineW, mineH) = (w, h)
      var wrongly = mistakes.map { _ in (w: start, h: Tensor<Double>(shape)) }
      for number in 1...4 {
        let g = Tensor<Double>.normal(shape, using: &generator)
        backend.take(step, on: &w, momentumBuffer: &h, gradient: g)
        mine.take(step, on: &mineW, momentumBuffer: &mineH, gradient: g)
        for (j, mistake) in mistakes.enumerated() {
          for i in 0..<shape.count {
            var (w, h) = (wrongly[j].w[i], wrongly[j].h[i])
            mistake.take(step, &w, &h, g[i])
            (wrongly[j].w[i], wrongly[j].h[i]) = (w, h)
          }
        }
        let description = "\(title), step \(number)"
        // A handful of roundings in each of the steps so far.
        let comparison = Comparison(
          name: "w", mine: mineW, right: w, terms: 8 * number,
          mistakes: zip(mistakes, wrongly).map {
            Comparison.Mistake(name: "a step \($0.name)", result: $1.w)
          } + [Comparison.Mistake(name: "w hasn't moved", result: start)])
        if let failure = comparison.failure(on: description) { return .wrong(failure) }
        let history = Comparison(name: "h", mine: mineH, right: h, terms: 8 * number)
        if let failure = history.failure(on: description) { return .wrong(failure) }
      }
    }
    return .right("the same as Reference's, for 4 steps in \(cases.count) cases")
  }
}
