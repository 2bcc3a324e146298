import Exercises
import Layers
import Reference
import Tensors

extension Exercise {
  static let innerProduct = Exercise(
    name: "inner-product",
    title: "every output sees every input, and three gradients",
    file: "InnerProduct.swift",
    chapter: "Docs/07-InnerProduct.md",
    twin: "Sources/Reference/InnerProduct.swift",
    difference: """
      Reference computes how many inputs there are once for each pass, and may leave the bias out.
      """,
    hints: [
      """
      D is specification.inputs(for: input.shape), and N is input.shape.images.
      """,
      """
      Forward: loops over n and k; begin the sum with bias[k] and add w[k,d] · in[n,d] for all d.
      """,
      """
      Gradients: ∂L/∂b[k] = Σ_n ∂L/∂out[n,k]. ∂L/∂w[k,d] = Σ_n ∂L/∂out[n,k] · in[n,d]. \
      ∂L/∂in[n,d] = Σ_k ∂L/∂out[n,k] · w[k,d].
      """,
      """
      All three have the loops of the forward pass: add (+=) to gradient[k], to \
      gradient[k * inputs + d], and to gradient[n * inputs + d].
      """,
    ],
    parts: [
      Part(name: "forward") { try outputs(agreeOn: cases, terms: 13, mistakes: mistakes) },
      Part(name: "gradient of the bias") { try productGradient(of: "bias") },
      Part(name: "gradient of the weights") { try productGradient(of: "weights") },
      Part(name: "gradient of the input") { try productGradient(of: "input") },
      Part(name: "rules of a layer") { try rules(ofLayersIn: cases) },
    ], times: { try Times(of: cases) })

  private typealias ProductCase = Case<
    Exercises.InnerProduct<Double>, Reference.InnerProduct<Double>
  >

  private static let cases = [
    productCase(outputs: 4, Shape(3, 5)), productCase(outputs: 3, Shape(2, 3, 2, 2)),
    productCase(outputs: 3, Shape(2, 3)),
  ]

  private static func productCase(outputs: Int, _ input: Shape) -> ProductCase {
    let mine = Exercises.InnerProduct<Double>(outputs: outputs)
    return Case(
      title: "\(outputs) outputs", mine: mine, twin: Reference.InnerProduct(mine.specification),
      input: input)
  }

  private static func productGradient(of tensor: String) throws -> Finding {
    try gradient(of: tensor, in: cases) { Reference.InnerProduct($0.twin.specification) }
  }

  private static func mistakes(
    _ entry: ProductCase, _ input: Tensor<Double>, _ parameters: [Tensor<Double>]
  ) throws -> [Comparison.Mistake] {
    let (weights, bias) = (parameters[0], parameters[1])
    let (outputs, inputs) = (bias.count, weights.count / bias.count)
    var transposed = weights
    for k in 0..<outputs {
      for d in 0..<inputs { transposed[k * inputs + d] = weights[d * outputs + k] }
    }
    func result(_ weights: Tensor<Double>, _ bias: Tensor<Double>) throws -> Tensor<Double> {
      try entry.twin.forward(input, parameters: [weights, bias]).output
    }
    return [
      Comparison.Mistake(
        name: "the bias is missing", result: try result(weights, Tensor(bias.shape))),
      Comparison.Mistake(
        name: "the weights are read as D×K: row k holds the weights of output k",
        result: try result(transposed, bias)),
    ]
  }
}
