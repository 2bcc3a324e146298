import Exercises
import Layers
import Reference
import Tensors

extension Exercise {
  static let convolution = Exercise(
    name: "convolution",
    title: "kernels in groups, and the gradients by bias, weights and input",
    file: "Convolution.swift",
    chapter: "Docs/02-Convolution.md",
    twin: "Sources/Reference/Convolution.swift",
    difference: """
      Reference finds the rows and columns of a kernel that lie in the image before its inner \
      loops, so that no if is left in them.
      """,
    hints: [
      """
      Output size: the first window is there in any case; then one for each whole stride that fits \
      after it. Swift's / rounds down for positive numbers, as it should here.
      """,
      """
      Forward: four loops over the output (n, k, y, x); inside them three over the kernel (c, i, j). \
      Compute row and column, and skip the term (continue) when either lies outside of the image.
      """,
      """
      Groups: kernel k is in group k / (K / group), with whole numbers. The group's channels begin \
      at first = k / (K / group) · (C / group). c runs from 0 to C / group only: that is how large \
      the weights are.
      """,
      """
      Gradients: whatever a value was multiplied with in out, times ∂L/∂out, summed over all \
      outputs that it went into. ∂L/∂b[k] = Σ_n Σ_y Σ_x ∂L/∂out[n,k,y,x]. ∂L/∂w[k,c,i,j] = \
      Σ_n Σ_y Σ_x ∂L/∂out[n,k,y,x] · in[n, first + c, row, column]. \
      ∂L/∂in[n, first + c, row, column] += ∂L/∂out[n,k,y,x] · w[k,c,i,j].
      """,
      """
      All three gradients have the loops of the forward pass. Where that has \
      sum += w · in, the weights' gradient has ∂w += ∂out · in and the input's ∂in += ∂out · w, \
      with the same indices.
      """,
    ],
    parts: [
      Part(name: "output size") {
        sizes(try sizeTable(), because: "Convolution rounds down: a window has to fit.")
      },
      Part(name: "forward") {
        try outputs(agreeOn: cases, terms: 37, groups: 2, mistakes: mistakes)
      },
      Part(name: "gradient of the bias") { try convolutionGradient(of: "bias") },
      Part(name: "gradient of the weights") { try convolutionGradient(of: "weights") },
      Part(name: "gradient of the input") { try convolutionGradient(of: "input") },
      Part(name: "rules of a layer") { try rules(ofLayersIn: cases) },
    ], times: { try Times(of: cases) })

  private typealias ConvolutionCase = Case<
    Exercises.Convolution<Double>, Reference.Convolution<Double>
  >

  private static let cases = [
    convolutionCase("3×3 kernels", .init(outputs: 2, kernel: 3), Shape(2, 3, 5, 5)),
    convolutionCase("stride 2", .init(outputs: 2, kernel: 3, stride: 2), Shape(2, 1, 6, 8)),
    convolutionCase("pad 1", .init(outputs: 2, kernel: 3, pad: 1), Shape(1, 2, 4, 4)),
    convolutionCase(
      "2 groups, stride 2, pad 1",
      .init(outputs: 6, kernel: 3, stride: 2, pad: 1, group: 2), Shape(2, 4, 5, 5)),
  ]

  private static func convolutionCase(
    _ title: String, _ mine: Exercises.Convolution<Double>, _ input: Shape
  ) -> ConvolutionCase {
    Case(title: title, mine: mine, twin: Reference.Convolution(mine.specification), input: input)
  }

  private static func convolutionGradient(of tensor: String) throws -> Finding {
    try gradient(of: tensor, in: cases) { Reference.Convolution($0.twin.specification) }
  }

  private static func sizeTable() throws -> [(text: String, mine: Int, right: Int)] {
    try [
      (227, 11, 4, 0), (27, 5, 1, 2), (13, 3, 1, 1), (224, 11, 4, 0), (8, 3, 2, 0), (5, 5, 3, 2),
    ]
    .map {
      let specification = ConvolutionSpecification(
        outputChannels: 1, kernel: Extent($0.1), stride: Extent($0.2), pad: Extent($0.3))
      return (
        "size \($0.0), kernel \($0.1), stride \($0.2), pad \($0.3)",
        Exercises.Convolution<Double>.outputSize(
          of: $0.0, kernel: $0.1, stride: $0.2, pad: $0.3),
        try specification.outputShape(for: Shape(1, 1, $0.0, $0.0)).height
      )
    }
  }

  private static func mistakes(
    _ entry: ConvolutionCase, _ input: Tensor<Double>, _ parameters: [Tensor<Double>]
  ) throws -> [Comparison.Mistake] {
    let (weights, bias) = (parameters[0], parameters[1])
    let size = weights.shape.spatialCount
    var rotated = weights
    for i in 0..<weights.count {
      rotated[i] = weights[i / size * size + size - 1 - i % size]
    }
    func result(_ weights: Tensor<Double>, _ bias: Tensor<Double>) throws -> Tensor<Double> {
      try entry.twin.forward(input, parameters: [weights, bias]).output
    }
    return [
      Comparison.Mistake(
        name: "the bias is missing", result: try result(weights, Tensor(bias.shape))),
      Comparison.Mistake(
        name: "the kernels are rotated by 180°: that is convolution as mathematicians have it; in "
          + "networks it is a correlation", result: try result(rotated, bias)),
    ]
  }
}
