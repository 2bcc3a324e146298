import Exercises
import Layers
import Reference
import Tensors

extension Exercise {
  static let relu = Exercise(
    name: "relu",
    title: "the rectified linear unit, forwards, backwards and in place",
    file: "ReLU.swift",
    chapter: "Docs/04-ReLU.md",
    hints: [
      """
      Go through all elements: for i in 0..<input.count { … }. Each output depends on one input \
      only, and the right-hand side of the formula has no sum.
      """,
      """
      Backwards: ∂out/∂in is 1 where the input was kept and 0 where it was cut off. Multiply \
      ∂L/∂out by that. Which of the two is it at exactly 0? The text above the type says so.
      """,
      """
      In place, the sign of the input can be read off the output: out > 0 exactly where in > 0. \
      Leave the gradient alone there, and set it to 0 elsewhere.
      """,
    ],
    parts: [
      Part(name: "forward") { try outputs(agreeOn: cases, terms: 0) },
      Part(name: "gradient") {
        try gradient(of: "input", in: cases) { _ in Reference.ReLU(ReLUSpecification()) }
      },
      Part(name: "in place") { try rules(ofLayersIn: cases) },
    ])

  private static let cases = [
    (Shape(2, 3, 4, 4), false), (Shape(2, 3, 3, 3), true), (Shape(4, 9), false),
  ]
  .map { shape, isWhole in
    Case(
      title: "ReLU", mine: Exercises.ReLU<Double>(),
      twin: Reference.ReLU<Double>(ReLUSpecification()), input: shape, isWhole: isWhole)
  }
}
