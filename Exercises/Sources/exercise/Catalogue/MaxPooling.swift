import Exercises
import Layers
import Reference
import Tensors

extension Exercise {
  static let maxPooling = Exercise(
    name: "max-pooling",
    title: "the maximum of each window, and where its gradient goes",
    file: "MaxPooling.swift",
    chapter: "Docs/05-MaxPooling.md",
    twin: "Sources/Reference/Pooling.swift",
    difference: """
      Reference computes the ends of each window once, and can also average.
      """,
    hints: [
      """
      Output size: ⌈a / b⌉ of whole numbers is (a + b − 1) / b in Swift. The first window is there \
      in any case, hence the + 1.
      """,
      """
      Forward: four loops over the output (n, c, y, x), and inside them two over the window, rows \
      from y·stride up to y·stride + kernel, but not beyond the image's height; columns likewise.
      """,
      """
      Begin with the window's first element as the best one, and replace it only by a greater one \
      (>, not ≥): then the first of equal values wins. Note row * width + column in `positions`.
      """,
      """
      Gradient: only the maximum of a window changes its output, and by as much as it changes itself. \
      So ∂L/∂in[maximum of window (n,c,y,x)] += ∂L/∂out[n,c,y,x], and += because an input may be the \
      maximum of several windows.
      """,
      """
      Backward: go through the outputs in the same order, so that a counter finds the same place in \
      `positions`; row = position / width, column = position % width. Add (+=), because windows \
      overlap.
      """,
    ],
    parts: [
      Part(name: "output size") {
        sizes(
          try sizeTable(), because: "Caffe's pooling rounds up: a window may hang over the border.")
      },
      Part(name: "forward") { try outputs(agreeOn: cases, terms: 0, mistakes: mistakes) },
      Part(name: "gradient") {
        try gradient(of: "input", in: cases) { Reference.Pooling($0.twin.specification) }
      },
    ], times: { try Times(of: cases) })

  private typealias PoolingCase = Case<Exercises.MaxPooling<Double>, Reference.Pooling<Double>>

  private static let cases = [
    poolingCase(kernel: 3, stride: 2, Shape(2, 3, 7, 7)),
    poolingCase(kernel: 3, stride: 2, Shape(1, 2, 8, 6)),
    poolingCase(kernel: 2, stride: 2, Shape(1, 2, 6, 6), isWhole: true),
    poolingCase(kernel: 3, stride: 1, Shape(1, 1, 5, 6), isWhole: true),
    poolingCase(kernel: 3, stride: 2, Shape(1, 2, 7, 6), shift: -10),
  ]

  private static func poolingCase(
    kernel: Int, stride: Int, _ input: Shape, isWhole: Bool = false, shift: Double = 0
  ) -> PoolingCase {
    let mine = Exercises.MaxPooling<Double>(kernel: kernel, stride: stride)
    return Case(
      title: "\(kernel)×\(kernel) windows, stride \(stride)", mine: mine,
      twin: Reference.Pooling(mine.specification), input: input, isWhole: isWhole, shift: shift)
  }

  private static func sizeTable() throws -> [(text: String, mine: Int, right: Int)] {
    try [(55, 3, 2), (13, 3, 2), (8, 3, 2), (7, 2, 2), (6, 3, 3), (5, 5, 1), (10, 4, 3)].map {
      let specification = PoolingSpecification(
        .maximum, kernel: Extent($0.1), stride: Extent($0.2))
      return (
        "size \($0.0), kernel \($0.1), stride \($0.2)",
        Exercises.MaxPooling<Double>.outputSize(of: $0.0, kernel: $0.1, stride: $0.2),
        try specification.outputShape(for: Shape(1, 1, $0.0, $0.0)).height
      )
    }
  }

  private static func mistakes(
    _ entry: PoolingCase, _ input: Tensor<Double>, _ parameters: [Tensor<Double>]
  ) throws -> [Comparison.Mistake] {
    var average = entry.twin.specification
    average.method = .average
    let negative = Tensor(input.shape, input.elements.map { -$0 })
    let right = try entry.twin.forward(input).output
    let least = try entry.twin.forward(negative).output.elements.map { -$0 }
    return [
      Comparison.Mistake(
        name: "that is the mean of each window",
        result: try Reference.Pooling<Double>(average).forward(input).output),
      Comparison.Mistake(
        name: "that is the minimum of each window", result: Tensor(right.shape, least)),
      Comparison.Mistake(
        name: "the maximum begins at 0: in a window of nothing but negative numbers, 0 wins",
        result: Tensor(right.shape, right.elements.map { max($0, 0) })),
    ]
  }
}
