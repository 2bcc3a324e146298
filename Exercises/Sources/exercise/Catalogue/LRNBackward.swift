import Exercises
import Layers
import RealModule
import Reference
import Tensors

extension Exercise {
  static let lrnBackward = Exercise(
    name: "lrn-backward",
    title: "the gradient of local response normalisation across channels",
    file: "LRNBackward.swift",
    chapter: "Docs/06-LRN.md",
    twin: "Sources/Reference/LRN.swift",
    difference: """
      Reference computes ∂L/∂out · out / s once for each element, and not once for each neighbour.
      """,
    hints: [
      """
      Which outputs does in[c] go into? Its own, twice; and those of the n − 1 neighbours whose \
      window holds c. Those are the same channels that are in the window of c.
      """,
      """
      ∂s[c']/∂in[c] = 2·(α/n)·in[c] for each neighbour c', and ∂out[c']/∂s[c'] = \
      −β·in[c']·s[c']^(−β−1) = −β·out[c']/s[c']. Multiply, and sum over c'.
      """,
      """
      All three ways together: ∂L/∂in[c] = ∂L/∂out[c] · s[c]^−β − (2αβ/n) · in[c] · \
      Σ ∂L/∂out[c'] · out[c'] / s[c'], with c' over the channels around c, c itself among them.
      """,
      """
      Four loops over (n, c, y, x). Inside, sum over other from max(c − n/2, 0) through \
      min(c + n/2, channels − 1): outputGradient · output / s, all at (n, other, y, x). Then both \
      terms of the formula.
      """,
    ],
    parts: [
      Part(name: "gradient") {
        try gradient(
          of: "input", in: cases, exact: { Reference.LRN($0.twin.specification) },
          mistakes: mistakes)
      },
      Part(name: "rules of a layer") { try rules(ofLayersIn: cases) },
    ], times: { try Times(of: cases) })

  private static let cases = [
    normalisation(.init(localSize: 5, alpha: 1, beta: 0.75, k: 1), Shape(2, 7, 2, 2)),
    normalisation(.init(localSize: 3, alpha: 0.5, beta: 0.5, k: 2), Shape(1, 4, 3, 2)),
    normalisation(.init(localSize: 7, alpha: 2, beta: 1.5, k: 1), Shape(1, 3, 1, 2)),
  ]

  private static func normalisation(
    _ mine: Exercises.LRN<Double>, _ input: Shape
  ) -> Case<Exercises.LRN<Double>, Reference.LRN<Double>> {
    let specification = mine.specification
    return Case(
      title: "n \(specification.localSize), α \(specification.alpha), β \(specification.beta)",
      mine: mine, twin: Reference.LRN(specification), input: input)
  }

  /// The gradient is own − term: the input as a factor of its own output, and all that goes through
  /// s. Mistakes in the term multiply it by some number.
  private static func mistakes(_ point: Point<Reference.LRN<Double>>) -> [Comparison.Mistake] {
    let specification = point.layer.specification
    let factors = [
      ("the second term is missing: s depends on the input too", 0),
      ("the second term has the wrong sign", -1),
      ("the second term lacks the 2, which comes from differentiating a square", 0.5),
      ("the second term is not divided by n", Double(specification.localSize)),
      (
        "the second term lacks β, which comes from differentiating the power",
        1 / specification.beta
      ),
      ("the second term lacks α", 1 / specification.alpha),
    ]
    return factors.filter { $0.1 != 1 }.map { name, factor in
      var result = point.inputGradient
      for i in 0..<result.count {
        let own = point.upstream[i] * .pow(point.forward.saved[i], -specification.beta)
        result[i] = own - factor * (own - point.inputGradient[i])
      }
      return Comparison.Mistake(name: name, result: result)
    }
  }
}
