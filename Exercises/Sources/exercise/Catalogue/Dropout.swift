import Exercises
import Layers
import Reference
import Tensors

extension Exercise {
  static let dropout = Exercise(
    name: "dropout",
    title: "values dropped at random, and the same choice backwards",
    file: "Dropout.swift",
    chapter: "Docs/08-Dropout.md",
    twin: "Sources/Reference/Dropout.swift",
    difference: """
      Reference keeps a Bool for each value instead of a factor, and works in place without a copy.
      """,
    hints: [
      """
      One loop over all elements. The factor is 1 in testing; in training it is the scale or 0.
      """,
      """
      Draw in training only, and one number for each element, kept or not: otherwise the numbers \
      belong to other elements.
      """,
      """
      Gradient: out[i] = factor[i] · in[i] with a constant factor, so \
      ∂L/∂in[i] = ∂L/∂out[i] · factor[i].
      """,
      """
      forward sets factors[i] and output[i] = input[i] * factors[i]; backward sets \
      gradient[i] = outputGradient[i] * factors[i].
      """,
    ],
    parts: [
      Part(name: "forward") { try outputs(agreeOn: cases, terms: 0, mistakes: mistakes) },
      Part(name: "testing") { try testing() },
      Part(name: "gradient") {
        try gradient(of: "input", in: cases) { Reference.Dropout($0.twin.specification) }
      },
      Part(name: "rules of a layer") { try rules(ofLayersIn: cases) },
    ], times: { try Times(of: cases) })

  private typealias DropoutCase = Case<Exercises.Dropout<Double>, Reference.Dropout<Double>>

  private static let cases = [0.5, 0.2, 0.75].map { ratio in
    let mine = Exercises.Dropout<Double>(ratio: ratio)
    return DropoutCase(
      title: "ratio \(ratio)", mine: mine, twin: Reference.Dropout(mine.specification),
      input: Shape(4, 25))
  }

  /// In testing, nothing is dropped and no number is drawn.
  private static func testing() throws -> Finding {
    for entry in cases {
      let (input, _) = try entry.data()
      let output = try entry.mine.forward(input, context: RunContext(phase: .testing)).output
      let scaled = Tensor(
        input.shape, input.elements.map { $0 * (1 - entry.mine.specification.ratio) })
      let comparison = Comparison(
        name: "out in testing", mine: output, right: input, terms: 0,
        mistakes: [
          .init(
            name: "multiplied by 1 − ratio in testing: here the scale is applied in training",
            result: scaled),
          .init(
            name: "dropped in testing, too: look at context.phase",
            result: try entry.twin.forward(input).output),
        ])
      if let failure = comparison.failure(on: entry.description) { return .wrong(failure) }
    }
    return .right("unchanged in testing")
  }

  private static func mistakes(
    _ entry: DropoutCase, _ input: Tensor<Double>, _ parameters: [Tensor<Double>]
  ) throws -> [Comparison.Mistake] {
    let right = try entry.twin.forward(input)
    let scale = entry.twin.specification.scale
    let unscaled = Tensor(input.shape, right.output.elements.map { $0 / scale })
    let inverted = Tensor(
      input.shape, input.elements.indices.map { right.saved.keeps[$0] ? 0 : input[$0] * scale })
    return [
      Comparison.Mistake(name: "what is kept isn't multiplied by the scale", result: unscaled),
      Comparison.Mistake(
        name: "what should be kept is dropped, and the other way round", result: inverted),
      Comparison.Mistake(name: "nothing is dropped", result: input),
    ]
  }
}
