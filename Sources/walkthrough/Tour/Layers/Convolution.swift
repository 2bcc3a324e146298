import Layers
import Tensors

extension ConvolutionSpecification: LayerTour {
  var kind: String { "convolution" }
  var groupCount: Int { group }
  var sliding: Sliding? { .positions }
  var isLive: Bool {
    hasBias && dilation == 1 && [kernel, stride, pad].allSatisfy { $0.height == $0.width }
  }
  var lesson: CourseEntry? {
    group > 1
      ? CourseEntry(
        chapter: 3, title: "Groups", file: "Docs/03-Groups.md", exercise: "convolution")
      : CourseEntry(
        chapter: 2, title: "Convolution", file: "Docs/02-Convolution.md", exercise: "convolution")
  }

  func settings(_ input: Shape) -> LayerReport.Settings {
    .init(
      outputs: outputChannels, kernel: kernel.sides, stride: stride.sides, pad: pad.sides,
      dilation: dilation.sides, group: group)
  }

  func small(_ input: Shape) -> (specification: any LayerSpecification, imageShape: [Int])? {
    var sibling = self
    sibling.outputChannels = min(outputChannels / group, 2) * group
    let channels = min(input.channels / group, 3) * group
    return (sibling, [channels] + smallPlane(input, window: span, stride: stride))
  }

  // MARK: - In words and formulas

  func explanation(_ input: Shape, _ output: Shape) -> Explanation {
    let channels = input.channels / group
    let sees = group == 1 ? "all \(channels) channels" : "the \(channels) channels of its group"
    let grouped =
      group == 1
      ? "" : " Channels and kernels are split into \(group) groups that don't see each other."
    let turned =
      stride == 1
      ? "So ∂L/∂in is the full convolution of ∂L/∂out with the kernels rotated by 180°."
      : "So ∂L/∂in is the full convolution of ∂L/∂out, spread out by the stride, with the kernels "
        + "rotated by 180°: a transposed convolution."
    return Explanation(
      summary: "\(outputChannels) kernels of \(kernel) weights a channel slide over the image in "
        + "steps of \(stride.short), the stride. Each looks at \(sees), for one pattern, "
        + "everywhere.\(grouped)",
      formula: forwardFormula(channels),
      arithmetic: shapeLines(
        input, output, window: span, stride: stride, pad: pad, rounding: .floor)
        + ["channels: \(outputChannels), one for each kernel"],
      backward: "Each weight collects gradient × input over all positions where it was used; each "
        + "input collects gradient × weight from every window that it lies in. " + turned,
      gradients: gradientFormulas(channels, output))
  }

  /// The input under weight (i, j) of the kernel at (y, x).
  private func tap(_ channels: Int) -> String {
    let offset = group == 1 ? "c" : "\(channels)⌊k/\(outputChannels / group)⌋+c"
    return "in[\(offset), \(windowIndex("y", "i", stride.height, dilation.height, pad.height)), "
      + "\(windowIndex("x", "j", stride.width, dilation.width, pad.width))]"
  }

  private func forwardFormula(_ channels: Int) -> Formula {
    var formula = Formula(
      "out[k,y,x] = " + (hasBias ? "b[k] + " : "")
        + "Σ_c<\(channels) Σ_i<\(kernel.height) Σ_j<\(kernel.width) w[k,c,i,j]·\(tap(channels))",
      [
        "out": "what kernel k finds at row y, column x", "b": "the bias of kernel k",
        "Σ_c": "over the channels that the kernel sees",
        "Σ_i": "over the rows of the kernel", "Σ_j": "over its columns",
        "w": "a weight of kernel k",
        "in": group == 1
          ? "the input below that weight; 0 in the padding"
          : "the input below that weight, of a channel of the kernel's group; 0 in the padding",
      ])
    if !hasBias { formula.meanings["b"] = nil }
    return formula
  }

  private func gradientFormulas(_ channels: Int, _ output: Shape) -> [Formula] {
    let kernels = outputChannels / group
    let (first, own) =
      group == 1
      ? ("Σ_k<\(kernels)", "c")
      : (
        "Σ_k=\(kernels)⌊c/\(channels)⌋…\(kernels)⌊c/\(channels)⌋+\(kernels - 1)",
        "c−\(channels)⌊c/\(channels)⌋"
      )
    let over = "Σ_y<\(output.height) Σ_x<\(output.width) "
    let upstream = "what comes back to kernel k's output at that place"
    let weights = Formula(
      "∂L/∂w[k,c,i,j] = \(over)∂L/∂out[k,y,x]·\(tap(channels))",
      [
        "∂L/∂w": "the gradient by one weight", "Σ_y": "over all rows of the output",
        "Σ_x": "over its columns", "∂L/∂out": upstream,
        "in": "the input that the weight was multiplied with there",
      ])
    let bias = Formula(
      "∂L/∂b[k] = \(over)∂L/∂out[k,y,x]",
      [
        "∂L/∂b": "the gradient by a bias, which was added everywhere",
        "Σ_y": "over all rows of the output", "Σ_x": "over its columns", "∂L/∂out": upstream,
      ])
    let input = Formula(
      "∂L/∂in[c,r,q] = \(first) Σ_i<\(kernel.height) Σ_j<\(kernel.width) w[k, \(own), i, j]·"
        + "∂L/∂out[k, \(outputIndex("r", "i", stride.height, dilation.height, pad.height)), "
        + "\(outputIndex("q", "j", stride.width, dilation.width, pad.width))]",
      [
        "∂L/∂in": "the gradient by the input of channel c at row r, column q",
        "Σ_k": "over the kernels that see the channel", "Σ_i": "over the rows of the kernel",
        "Σ_j": "over its columns", "w": "the weight that lay on this input",
        "∂L/∂out": "what comes back to the window in which it did; where there is none, 0",
      ])
    return hasBias ? [weights, bias, input] : [weights, input]
  }

  // MARK: - By hand

  func workedExample(at position: Int, _ pass: LayerPass) -> WorkedExample? {
    let (input, output) = (pass.input, pass.output.shape)
    let (k, y, x) = output.place(of: position)
    let channels = input.shape.channels / group
    let first = k / (outputChannels / group) * channels
    var example = WorkedExample(at: position, of: output)
    let (top, left) = (y * stride.height - pad.height, x * stride.width - pad.width)
    /// What channel c of the group adds, factor by factor, in rows.
    func factors(_ c: Int) -> [[(weight: Double, input: Double?)]] {
      (0..<kernel.height).map { i in
        (0..<kernel.width).map { j in
          (
            Double(pass.parameters[0][k, c, i, j]),
            input.value(
              channel: first + c, row: top + i * dilation.height,
              column: left + j * dilation.width)
          )
        }
      }
    }
    let sums = (0..<channels).map { c in
      factors(c).joined().reduce(0) { $0 + $1.weight * ($1.input ?? 0) }
    }
    let chosen = sums.indices.max { abs(sums[$0]) < abs(sums[$1]) } ?? 0
    let shown = factors(chosen)
    var window = WorkedExample.Window(
      channels: first...first + channels - 1, top: top, left: left, extent: span,
      channel: first + chosen, of: input)
    let inputs = shown.map { $0.map(\.input) }
    if inputs.joined().count <= WorkedExample.Window.mostNumbers {
      window.inputs = inputs
      window.weights = shown.map { $0.map(\.weight) }
    }
    example.window = window
    example.steps.append(
      "window: \(range("channel", window.firstChannel, window.lastChannel)), \(window.place): "
        + "\(channels * kernel.area) products")
    example.tables = [
      .init(title: "in, channel \(first + chosen)", rows: inputs),
      .init(title: "w, channel \(first + chosen)", rows: shown.map { $0.map(\.weight) }),
    ]
    let products = shown.joined().compactMap { factor in factor.input.map { (factor.weight, $0) } }
    example.add(products, "channel \(first + chosen)")
    example.byHand = example.add(sums, of: "channel", from: first, chosen: chosen)
    if hasBias {
      let bias = Double(pass.parameters[1][k])
      example.lastSteps.append(
        "\(Format.value(example.byHand)) plus bias \(Format.value(bias))")
      example.byHand += bias
    }
    return example
  }

  func workedGradient(
    of tensor: GradientTensor, at position: Int, _ pass: LayerPass, upstream: Tensor<Float>
  ) -> WorkedExample? {
    switch tensor {
    case .parameter(0): weightGradient(at: position, pass, upstream)
    case .parameter: biasGradient(of: position, upstream)
    case .input: inputGradient(at: position, pass, upstream)
    }
  }

  private func weightGradient(
    at position: Int, _ pass: LayerPass, _ upstream: Tensor<Float>
  ) -> WorkedExample? {
    let shape = pass.parameters[0].shape
    let (i, j) = (position / kernel.width % kernel.height, position % kernel.width)
    let c = position / kernel.area % shape.channels
    let k = position / kernel.area / shape.channels
    let channel = k / (outputChannels / group) * shape.channels + c
    var example = WorkedExample(
      "∂L/∂w", position: "kernel \(k), channel \(c), row \(i), column \(j)", output: [k, c, i, j])
    let output = upstream.shape
    let rows = (0..<output.height).map { y in
      (0..<output.width).map { x in
        (
          Double(upstream[0, k, y, x]),
          pass.input.value(
            channel: channel, row: y * stride.height + i * dilation.height - pad.height,
            column: x * stride.width + j * dilation.width - pad.width)
        )
      }
    }
    example.steps.append(
      "the weight met input channel \(channel), from row "
        + "\(i * dilation.height - pad.height), column \(j * dilation.width - pad.width) on"
        + (stride == 1 ? "" : " in steps of \(stride.short)")
        + ": \(output.height * output.width) products")
    example.add(rows, of: ("∂L/∂out, kernel \(k)", "in, channel \(channel)"))
    return example
  }

  private func biasGradient(of k: Int, _ upstream: Tensor<Float>) -> WorkedExample? {
    let shape = upstream.shape
    var example = WorkedExample("∂L/∂b", position: "kernel \(k)", output: [k])
    let rows = (0..<shape.height).map { y in
      (0..<shape.width).map { x in (Double(upstream[0, k, y, x]), Optional(1.0)) }
    }
    example.steps.append("the sum of ∂L/∂out of kernel \(k): \(shape.spatialCount) numbers")
    example.add(rows, of: ("∂L/∂out, kernel \(k)", nil))
    return example
  }

  private func inputGradient(
    at position: Int, _ pass: LayerPass, _ upstream: Tensor<Float>
  ) -> WorkedExample? {
    let shape = pass.input.shape
    let (channel, row, column) = shape.place(of: position)
    let (channels, kernels) = (shape.channels / group, outputChannels / group)
    let (first, c) = (channel / channels * kernels, channel % channels)
    let rows = OutputsOfInput(
      row, kernel: kernel.height, stride: stride.height, pad: pad.height,
      dilation: dilation.height)
    let columns = OutputsOfInput(
      column, kernel: kernel.width, stride: stride.width, pad: pad.width,
      dilation: dilation.width)
    var example = WorkedExample("∂L/∂in", at: position, of: shape)
    guard let top = rows.outputs.first, let left = columns.outputs.first,
      let bottom = rows.outputs.last, let right = columns.outputs.last
    else {
      example.steps.append("it lies in no window: the stride passes it over")
      return example
    }
    /// What kernel k sends back, factor by factor, in the rows of the output.
    func factors(_ k: Int) -> [[(weight: Double, gradient: Double?)]] {
      zip(rows.offsets, rows.outputs).map { i, y in
        zip(columns.offsets, columns.outputs).map { j, x in
          (
            Double(pass.parameters[0][k, c, i, j]),
            upstream.value(channel: k, row: y, column: x)
          )
        }
      }
    }
    let sums = (first..<first + kernels).map { k in
      factors(k).joined().reduce(0) { $0 + $1.weight * ($1.gradient ?? 0) }
    }
    let chosen = sums.indices.max { abs(sums[$0]) < abs(sums[$1]) } ?? 0
    let k = first + chosen
    var window = WorkedExample.Window(
      channels: first...first + kernels - 1, top: top, left: left,
      extent: Extent(height: bottom - top + 1, width: right - left + 1), channel: k, of: upstream)
    let shown = factors(k)
    let gradients = shown.map { $0.map(\.gradient) }
    window.inputs = gradients
    window.weights = shown.map { $0.map(\.weight) }
    example.window = window
    let each = stride == 1 ? "" : ", where the stride leads"
    example.steps.append(
      "it lies in the windows of outputs \(window.place)\(each), of kernels "
        + "\(first)…\(first + kernels - 1)")
    example.tables = [
      .init(title: "∂L/∂out, kernel \(k)", rows: gradients),
      .init(
        title: "w, kernel \(k), channel \(c), rotated by 180°",
        rows: shown.map { $0.map(\.weight) }),
    ]
    let products = shown.joined().compactMap { factor in
      factor.gradient.map { (factor.weight, $0) }
    }
    example.add(products, "kernel \(k)")
    example.byHand = example.add(sums, of: "kernel", from: first, chosen: chosen)
    return example
  }
}

extension WorkedExample {
  /// Adds the products of two planes, row by row: of the row that adds most, the tables show all columns,
  /// or those of a block.
  ///
  /// - Parameters:
  ///   - rows: two factors each; the second is `nil` in the padding.
  ///   - titles: of the two tables; without a second one the numbers are summed as they are.
  mutating func add(_ rows: [[(Double, Double?)]], of titles: (String, String?)) {
    func product(_ factors: (Double, Double?)) -> Double { factors.0 * (factors.1 ?? 0) }
    let sums = rows.map { $0.reduce(0) { $0 + product($1) } }
    let y = sums.indices.max { abs(sums[$0]) < abs(sums[$1]) } ?? 0
    let row = rows[y]
    let size = 8
    let blocks = stride(from: 0, to: row.count, by: size).map {
      row[$0..<min($0 + size, row.count)]
    }
    let blockSums = blocks.map { $0.reduce(0) { $0 + product($1) } }
    let block = blockSums.indices.max { abs(blockSums[$0]) < abs(blockSums[$1]) } ?? 0
    let shown = blocks[block]
    let place =
      "row \(y), \(range("column", block * size, block * size + shown.count - 1))"
    let names = shown.indices.map(String.init)
    tables.append(
      NumberTable(
        title: "\(titles.0), \(place)", rows: [shown.map { Optional($0.0) }], columnNames: names))
    if let second = titles.1 {
      tables.append(
        NumberTable(
          title: "\(second), where these met it", rows: [shown.map(\.1)], columnNames: names))
      add(shown.compactMap { factors in factors.1.map { (factors.0, $0) } }, place)
    } else {
      steps.append(
        "\(place): "
          + shown.filter { $0.0 != 0 }.map { Self.factor($0.0) }.joined(separator: " + ")
          + " = \(Format.value(blockSums[block]))")
    }
    if blocks.count > 1 {
      self.sums.append(
        PartialSums(
          name: "the columns of row \(y)",
          parts: zip(blocks, blockSums).enumerated().map { index, part in
            .init(
              first: index * size, last: index * size + part.0.count - 1, sum: part.1)
          }, chosen: block, total: sums[y]))
    }
    byHand = add(sums, of: "row", chosen: y)
  }
}
