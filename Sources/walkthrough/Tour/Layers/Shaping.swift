import Layers
import ONNXFiles
import Tensors

// The layers that bring their input into a given shape.

extension AdaptiveAveragePoolingSpecification: LayerTour {
  var kind: String { "pooling" }
  var lesson: CourseEntry? { .pooling }

  /// Windows of the same proportions, as far as that costs milliseconds.
  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    guard output.height <= 32, output.width <= 32 else { return nil }
    return (
      self,
      [
        min(input.channels, 2), min(input.height, 2 * output.height + 1),
        min(input.width, 2 * output.width + 1),
      ]
    )
  }

  /// Whether each output is the one input at its place.
  private func isIdentity(_ input: Shape) -> Bool {
    input.height == output.height && input.width == output.width
  }

  // MARK: - In words and formulas

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    func side(_ name: String, _ size: Int, _ count: Int) -> String {
      let sizes = Set((0..<count).map { Self.window($0, of: count, size: size).count }).sorted()
      return "\(name): \(count) windows of \(sizes.map(String.init).joined(separator: " or ")) of "
        + "\(size); the first begins at 0, the last ends at \(size)"
    }
    return Explanation(
      summary:
        "Takes the means of windows that are chosen so that \(self.output) come out, whatever the "
        + "size of the images. "
        + (isIdentity(input)
          ? "At this size each window is one position: the layer passes on what it gets."
          : "Windows may overlap."),
      formula: formula(input),
      arithmetic: [
        side("rows", input.height, output.height), side("columns", input.width, output.width),
        "channels: \(output.channels), as in the input",
      ],
      backward: "An output's gradient is spread evenly over its window; where windows overlap, the "
        + "shares add.",
      gradients: [gradient(input)])
  }

  /// The first and the last of `size` positions in window `index` of `count`: those of a window, and as well
  /// the windows that a position lies in, with the two numbers exchanged.
  private func bounds(_ index: String, of count: Int, size: Int) -> (first: String, last: String) {
    if size.isMultiple(of: count) {
      let width = size / count
      let first = width == 1 ? index : "\(width)\(index)"
      return (first, width == 1 ? first : "\(first)+\(width - 1)")
    }
    let product = size == 1 ? index : "\(size)\(index)"
    return (
      "⌊\(product)/\(count)⌋",
      size == 1 ? "⌊\(product)/\(count)⌋" : "⌊(\(product)+\(size - 1))/\(count)⌋"
    )
  }

  /// The number of rows or columns in window `index`.
  private func width(_ index: String, of count: Int, size: Int) -> String {
    guard !size.isMultiple(of: count) else { return "\(size / count)" }
    let (first, last) = bounds(index, of: count, size: size)
    return "(\(last)−\(first)+1)"
  }

  private func area(_ input: Shape) -> String {
    width("y", of: output.height, size: input.height) + "·"
      + width("x", of: output.width, size: input.width)
  }

  private func formula(_ input: Shape) -> Formula {
    guard !isIdentity(input) else {
      return Formula(
        "out[c,y,x] = in[c,y,x]", ["out": "one value of channel c", "in": "the value there"])
    }
    let rows = bounds("y", of: output.height, size: input.height)
    let columns = bounds("x", of: output.width, size: input.width)
    return Formula(
      "out[c,y,x] = (Σ_i=\(rows.first)…\(rows.last) Σ_j=\(columns.first)…\(columns.last) "
        + "in[c,i,j]) / (\(area(input)))",
      [
        "out": "one value of channel c", "Σ_i": "over the rows of the window",
        "Σ_j": "over its columns", "in": "a value of the window",
      ])
  }

  private func gradient(_ input: Shape) -> Formula {
    guard !isIdentity(input) else {
      return Formula(
        "∂L/∂in[c,r,q] = ∂L/∂out[c,r,q]",
        [
          "∂L/∂in": "the gradient by the input of channel c at row r, column q",
          "∂L/∂out": "what comes back to the output there",
        ])
    }
    let rows = bounds("r", of: input.height, size: output.height)
    let columns = bounds("q", of: input.width, size: output.width)
    return Formula(
      "∂L/∂in[c,r,q] = Σ_y=\(rows.first)…\(rows.last) Σ_x=\(columns.first)…\(columns.last) "
        + "∂L/∂out[c,y,x] / (\(area(input)))",
      [
        "∂L/∂in": "the gradient by the input of channel c at row r, column q",
        "Σ_y": "over the windows whose rows it lies in",
        "Σ_x": "over those whose columns it lies in",
        "∂L/∂out": "what comes back to a window that it lies in",
      ])
  }

  // MARK: - By hand

  /// Rows and columns of an output's window.
  private func window(
    _ y: Int, _ x: Int, of input: Shape
  ) -> (rows: Range<Int>, columns: Range<Int>) {
    (
      Self.window(y, of: output.height, size: input.height),
      Self.window(x, of: output.width, size: input.width)
    )
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    let (c, y, x) = pass.output.shape.place(of: position)
    let (rows, columns) = window(y, x, of: pass.input.shape)
    var example = WorkedExample(at: position, of: pass.output.shape)
    let inputs = numbers(rows, columns, channel: c, of: pass.input, &example)
    example.tables = [.init(title: "in, channel \(c)", rows: inputs)]
    let values = inputs.joined().compactMap { $0 }
    let total = values.reduce(0, +)
    example.byHand = total / Double(values.count)
    example.steps += [
      "window: \(example.window?.place ?? "")", "\(Format.value(total)) / \(values.count)",
    ]
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    let shape = pass.input.shape
    let (channel, row, column) = shape.place(of: position)
    // A position lies in those windows of which it would be one, were inputs and outputs exchanged.
    let rows = Self.window(row, of: shape.height, size: output.height)
    let columns = Self.window(column, of: shape.width, size: output.width)
    var example = WorkedExample("∂L/∂in", at: position, of: shape)
    let gradients = numbers(rows, columns, channel: channel, of: upstream, &example)
    example.steps.append("it lies in the windows of outputs \(example.window?.place ?? "")")
    let factors = rows.map { y in
      columns.map { x -> Double? in
        let (rows, columns) = window(y, x, of: shape)
        return 1 / Double(rows.count * columns.count)
      }
    }
    example.tables = [
      .init(title: "∂L/∂out, channel \(channel)", rows: gradients),
      .init(title: "1 over the area of the window", rows: factors),
    ]
    let products = zip(gradients.joined(), factors.joined()).compactMap { gradient, factor in
      gradient.flatMap { gradient in factor.map { (gradient, $0) } }
    }
    example.byHand = example.add(products, "together")
    return example
  }

  /// The numbers of a part of a channel, which becomes the example's window.
  private func numbers(
    _ rows: Range<Int>, _ columns: Range<Int>, channel: Int, of tensor: Tensor<Float>,
    _ example: inout WorkedExample
  ) -> [[Double?]] {
    let extent = Extent(height: rows.count, width: columns.count)
    var window = WorkedExample.Window(
      channels: channel...channel, top: rows.lowerBound, left: columns.lowerBound, extent: extent,
      channel: channel, of: tensor)
    let numbers = rows.map { row in
      columns.map { tensor.value(channel: channel, row: row, column: $0) }
    }
    if extent.area <= WorkedExample.Window.mostNumbers { window.inputs = numbers }
    example.window = window
    return numbers
  }
}

extension ViewSpecification: LayerTour {
  var kind: String { "pointwise" }
  var countsZeros: Bool { false }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    PlainTour(specification: self).small(input)
  }

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    Explanation(
      summary: "The same numbers in the same order, in another shape or in the same.",
      formula: Formula(
        "out[i] = in[i]",
        ["out": "the number at place i, all counted in one row", "in": "the number at that place"]),
      arithmetic: [
        "\(Format.extents(Array(input.dimensions.dropFirst()))) becomes "
          + Format.extents(Array(output.dimensions.dropFirst()))
      ],
      backward: "The gradient takes the input's shape again.",
      gradients: [
        Formula(
          "∂L/∂in[i] = ∂L/∂out[i]",
          ["∂L/∂in": "the gradient by the number at place i", "∂L/∂out": "what comes back there"])
      ])
  }

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    var example = WorkedExample(at: position, of: pass.output.shape)
    example.byHand = Double(pass.input[position])
    example.steps = ["the number at the same place: \(Format.value(example.byHand))"]
    example.window = .init(around: position, of: pass.input)
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    var example = WorkedExample("∂L/∂in", at: position, of: pass.input.shape)
    example.byHand = Double(upstream[position])
    example.steps = ["what comes back to the same place: \(Format.value(example.byHand))"]
    return example
  }
}
