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
    twin: "Sources/Reference/ReLU.swift",
    difference: """
      Reference asks the same question of each element. In place it needs no copy, because the \
      output tells the input's sign.
      """,
    hints: [
      """
      Go through all elements: for i in 0..<input.count { … }. Each output depends on one input \
      only, and the right-hand side of the formula has no sum.
      """,
      """
      Gradient: ∂out/∂in is 1 where in > 0, and 0 elsewhere, at in = 0 too. So ∂L/∂in = ∂L/∂out \
      where in > 0, and 0 elsewhere.
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
    ], times: { try Times(of: cases) })

  private static let cases = [
    (Shape(2, 3, 4, 4), false), (Shape(2, 3, 3, 3), true), (Shape(4, 9), false),
  ]
  .map { shape, isWhole in
    Case(
      title: "ReLU", mine: Exercises.ReLU<Double>(),
      twin: Reference.ReLU<Double>(ReLUSpecification()), input: shape, isWhole: isWhole)
  }
}
