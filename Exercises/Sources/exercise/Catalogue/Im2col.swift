import Exercises
import Layers
import Reference
import Tensors
import Workbench

/// im2col by definition: the convolution whose weights are the identity matrix.
struct IdentityConvolution<Scalar: Tensors.Scalar>: SingleInputLayer {
  let specification: Im2colSpecification

  func forward(
    _ input: Tensor<Scalar>, parameters: [Tensor<Scalar>], context: inout RunContext,
    output: inout Tensor<Scalar>, saved: inout NothingSaved
  ) {
    layer(for: input.shape).forward(
      input, parameters: identity(input.shape), context: &context, output: &output, saved: &saved)
  }

  func backward(
    outputGradient: Tensor<Scalar>, input: Tensor<Scalar>, output: Tensor<Scalar>,
    parameters: [Tensor<Scalar>], saved: NothingSaved,
    inputGradient: inout Tensor<Scalar>?, parameterGradients: inout [Tensor<Scalar>],
    accumulating: Bool
  ) {
    let weights = identity(input.shape)
    var unused = weights
    layer(for: input.shape).backward(
      outputGradient: outputGradient, input: input, output: output, parameters: weights,
      saved: saved, inputGradient: &inputGradient, parameterGradients: &unused,
      accumulating: false)
  }

  private func layer(for input: Shape) -> Reference.Convolution<Scalar> {
    Reference.Convolution(specification.identityConvolution(for: input))
  }

  private func identity(_ input: Shape) -> [Tensor<Scalar>] {
    let (height, width) = (specification.kernel.height, specification.kernel.width)
    let size = input.channels * height * width
    var weights = Tensor<Scalar>(Shape(size, input.channels, height, width))
    for r in 0..<size { weights[r * size + r] = 1 }
    return [weights]
  }
}

extension Exercise {
  static let im2col = Exercise(
    name: "im2col",
    title: "windows as columns of a matrix, and back",
    file: "Im2col.swift",
    chapter: "Docs/13-Im2colAndBLAS.md",
    twin: "Sources/Fast/Im2col.swift",
    difference: """
      Fast copies stretches of rows instead of single numbers, and finds the padding once for each \
      row.
      """,
    hints: [
      """
      Six loops: n, c, i, j over what a row of the matrix stands for, y and x over its columns. \
      r = (c·kernel + i)·kernel + j, row = y·stride + i − pad, column = x·stride + j − pad.
      """,
      """
      Where row or column lies outside of the image, write 0: the output may hold anything before.
      """,
      """
      Gradient: all copies of a value add up. ∂L/∂in[n, c, y·stride + i − pad, x·stride + j − pad] += \
      ∂L/∂out[n, r, y, x].
      """,
      """
      col2im is the same six loops with source and target exchanged. Add (+=), and skip what lies \
      outside.
      """,
    ],
    parts: [
      Part(name: "im2col") { try outputs(agreeOn: cases, terms: 0, name: "the matrix") },
      Part(name: "col2im") {
        try gradient(of: "input", in: cases) {
          IdentityConvolution(specification: $0.twin.specification)
        }
      },
      Part(name: "rules of a layer") { try rules(ofLayersIn: cases) },
    ])

  private static let cases = [
    columns("2×2 windows", .init(kernel: 2), Shape(2, 2, 4, 3)),
    columns("3×3 windows, stride 2", .init(kernel: 3, stride: 2), Shape(1, 2, 5, 7)),
    columns("3×3 windows, pad 1", .init(kernel: 3, pad: 1), Shape(1, 1, 4, 4)),
    columns("3×3 windows, stride 2, pad 2", .init(kernel: 3, stride: 2, pad: 2), Shape(1, 2, 3, 3)),
  ]

  private static func columns(
    _ title: String, _ mine: Exercises.Im2col<Double>, _ input: Shape
  ) -> Case<Exercises.Im2col<Double>, IdentityConvolution<Double>> {
    Case(
      title: title, mine: mine, twin: IdentityConvolution(specification: mine.specification),
      input: input)
  }
}
